/**
 * VPC objects of somebody else's that a stack takes over, through an engine: refused unless asked, then deleted with the
 * stack. Somebody else is another stack of the same program, which knows nothing of the first and is forgotten.
 */
import { type Cloud, startCloud } from "./cloud";
import { placeOf } from "./instance-place";
import { ED25519_KEY } from "./public-keys";
import { Stack, onEachEngine } from "./stack";

const PROGRAM = `
import { readFileSync } from "node:fs";
import * as vpc from "pulumi-ibm-vpc-identity";
const { adopt, zone, imageId } = JSON.parse(readFileSync("wish.json", "utf8"));
const ours = { name: "theirs", adopt };
const network = new vpc.Vpc("app", ours);
const subnet = new vpc.Subnet("app", { ...ours, vpcId: network.id, zone, totalIpv4AddressCount: 16 });
const key = new vpc.SshKey("app", { ...ours, publicKey: ${JSON.stringify(ED25519_KEY)} });
const place = { vpcId: network.id, subnetId: subnet.id, zone };
const size = { imageId, instanceProfile: "bx2-2x8", sshKeyIds: [key.id] };
const server = new vpc.Instance("app", { ...ours, ...place, ...size });
const template = new vpc.InstanceTemplate("app", { ...ours, ...place, ...size });
const group = new vpc.InstanceGroup("app", {
  ...ours, instanceTemplateId: template.id, subnetIds: [subnet.id], membershipCount: 0,
});
const metal = new vpc.BareMetalServer("app", {
  ...ours, subnetId: subnet.id, zone, bareMetalServerProfile: "bx2-metal-96x384", initialization: { imageId, sshKeyIds: [key.id] },
});
const ip = new vpc.FloatingIp("app", { ...ours, zone });
export const ids = [network, subnet, key, server, template, group, metal, ip].map(({ id }) => id);
`;

// Each run of an engine starts two processes, on a machine that may have others to run.
jest.setTimeout(300_000);

let cloud: Cloud;
beforeAll(async () => {
  cloud = await startCloud();
});
afterAll(() => cloud.close());

/** Ids of all there are, by kind. */
const inventory = (): string[][] => {
  const { vpcs, subnets, keys, instances, templates, instanceGroups, bareMetalServers, floatingIps } =
    cloud.emulator.inventory();
  return [vpcs, subnets, keys, instances, templates, instanceGroups, bareMetalServers, floatingIps].map((rows) =>
    rows.map(({ id }) => String(id)).sort(),
  );
};

onEachEngine((command) => {
  it("are named when nobody asked to take them over, and are managed and deleted with the stack when somebody did", async () => {
    const { zone, imageId } = placeOf(cloud);
    const before = inventory();
    const [theirs, stack] = [new Stack(command, PROGRAM, cloud), new Stack(command, PROGRAM, cloud)];
    try {
      theirs.wish({ zone, imageId });
      await theirs.must("stack", "init", "dev");
      await theirs.up();
      const { ids } = await theirs.outputs();
      const both = inventory();

      stack.wish({ zone, imageId, adopt: false });
      await stack.must("stack", "init", "dev");
      const { exitCode, output } = await stack.run("up", "--yes", "--skip-preview", "--continue-on-error");
      expect(exitCode).not.toBe(0);
      // The others need one of these.
      for (const noun of ["VPC", "SSH key", "floating IP"])
        expect(output).toMatch(new RegExp(`cannot be created: the ${noun} "theirs" \\(\\S+\\) exists already`));
      expect(inventory()).toEqual(both);

      stack.wish({ zone, imageId, adopt: true });
      const calls = await stack.up();
      expect(calls.filter((call) => /^(PUT|PATCH|DELETE) /.test(call))).toEqual([]);
      expect((await stack.outputs()).ids).toEqual(ids);
      expect(inventory()).toEqual(both);
      expect(await stack.up()).toEqual([]);
      await stack.must("destroy", "--yes", "--skip-preview");
      expect(inventory()).toEqual(before);
    } finally {
      theirs.remove();
      stack.remove();
    }
  });
});

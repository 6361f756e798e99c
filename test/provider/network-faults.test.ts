/** The fault table for VPCs, subnets, SSH keys and floating IPs. */
import { createVpc } from "../../client/vpc-networks";
import { handler as floatingIp } from "../../provider/floating-ip";
import { handler as sshKey } from "../../provider/ssh-key";
import { handler as subnet } from "../../provider/subnet";
import { handler as vpc } from "../../provider/vpc";
import { type Cloud, startCloud } from "./cloud";
import { type Kind, faultCases } from "./fault-table";
import { ED25519_KEY } from "./public-keys";

let cloud: Cloud;
let vpcId: string;

const rows = (name: "vpcs" | "subnets" | "keys" | "floatingIps"): string[] =>
  cloud.emulator.inventory()[name].map(({ id }) => String(id));
const kind = (path: string, list: string, more: Pick<Kind, "handler" | "args" | "inventory" | "ifMatch">): Kind => ({
  change: { name: "renamed" },
  updateMethod: "PATCH",
  collection: () => new RegExp(`^/v1/${path}$`),
  object: ({ id }) => new RegExp(`^/v1/${path}/${id}$`),
  list: { [list]: [] },
  ...more,
});

const VPC = kind("vpcs", "vpcs", {
  ifMatch: true,
  handler: vpc as never,
  args: () => ({}),
  inventory: () => rows("vpcs").filter((id) => id !== vpcId),
});
const KEY = kind("keys", "keys", {
  handler: sshKey as never,
  args: () => ({ publicKey: ED25519_KEY }),
  inventory: () => rows("keys"),
});
const IP = kind("floating_ips", "floating_ips", {
  handler: floatingIp as never,
  args: () => ({ zone: "us-south-1" }),
  inventory: () => rows("floatingIps"),
});
/** With a name of the user's, which has no hash in it. */
const named = (own: Kind): Kind => ({ ...own, args: () => ({ ...own.args(), name: "mine" }) });

const KINDS: Record<string, Kind> = {
  Vpc: VPC,
  Subnet: {
    ...kind("subnets", "subnets", {
      handler: subnet as never,
      args: () => ({ vpcId, zone: "us-south-1", totalIpv4AddressCount: 16 }),
      inventory: () => rows("subnets"),
    }),
    inParent: true,
  },
  SshKey: KEY,
  FloatingIp: IP,
  "Vpc with a name": named(VPC),
  "SshKey with a name": named(KEY),
  "FloatingIp with a name": named(IP),
};

beforeAll(async () => {
  // Read when the session opens: an answer that does not come is waited for as long as this.
  process.env.IC_TIMEOUT = "1";
  cloud = await startCloud({ seed: { network: false } });
  vpcId = (await createVpc(cloud.elsewhere, { name: "shared" })).id;
});
afterAll(async () => {
  delete process.env.IC_TIMEOUT;
  await cloud.close();
});

describe.each(Object.entries(KINDS))("%s", (_type, each) => {
  it.each(faultCases(() => cloud, each))("%s", async (_name, run) => {
    expect(await run()).toEqual([]);
  });
});

/** IAM objects of somebody else's that a stack takes over, through an engine: refused unless asked, then deleted with the stack. */
import { createClaimRule } from "../../client/iam-claim-rules";
import { createLink, createProfile } from "../../client/iam-identity";
import { createPolicy } from "../../client/iam-policy";
import { addIdentity } from "../../client/iam-profile-identities";
import { createServiceId } from "../../client/iam-service-ids";
import { type Cloud, startCloud } from "./cloud";
import { type Ids, Stack, census, crnOf, onEachEngine } from "./stack";

const PROGRAM = `
import { readFileSync } from "node:fs";
import * as vpc from "pulumi-ibm-vpc-identity";
const { args } = JSON.parse(readFileSync("wish.json", "utf8"));
export const ids = {
  profile: new vpc.TrustedProfile("app", args.profile).id,
  serviceId: new vpc.ServiceId("app", args.serviceId).id,
  link: new vpc.TrustedProfileLink("app", args.link).id,
  rule: new vpc.TrustedProfileClaimRule("app", args.rule).id,
  identity: new vpc.TrustedProfileIdentity("app", args.identity).id,
  policy: new vpc.AccessPolicy("app", args.policy).id,
};
`;

// Each run of an engine starts two processes, on a machine that may have others to run.
jest.setTimeout(300_000);

type Args = Record<string, unknown>;

let cloud: Cloud;
beforeAll(async () => {
  cloud = await startCloud();
});
afterAll(() => cloud.close());

onEachEngine((command) => {
  it("are named when nobody asked to take them over, and are managed and deleted with the stack when somebody did", async () => {
    const theirs = await somebodyElses();
    const stack = new Stack(command, PROGRAM, cloud);
    try {
      const refusing = Object.entries(theirs.args).map(([name, args]) => [name, { ...args, adopt: false }] as const);
      stack.wish({ args: Object.fromEntries(refusing) });
      await stack.must("stack", "init", "dev");
      const { exitCode, output } = await stack.run("up", "--yes", "--skip-preview", "--continue-on-error");
      expect(exitCode).not.toBe(0);
      const named = output.match(/(?<=cannot be created: the )(?:equal )?\S+(?= .*exists already)/g) ?? [];
      expect([...new Set(named)].sort()).toEqual(["equal rule", "identity", "link", "policy", "service", "trusted"]);
      expect(census(cloud)).toEqual(theirs.census);

      stack.wish({ args: theirs.args });
      await stack.up();
      expect((await stack.outputs()).ids).toEqual(theirs.ids);
      expect(census(cloud)).toEqual(theirs.census);
      expect(await stack.up()).toEqual([]);
      await stack.must("destroy", "--yes", "--skip-preview");
      expect(census(cloud)).toEqual([1, 0, 0, 0, 0, 0, 0]);
    } finally {
      stack.remove();
    }
  });
});

/** One of each that can be taken over, the arguments that say the same, and the ids it should have in the state. */
async function somebodyElses(): Promise<{ args: Record<string, Args>; ids: Partial<Ids>; census: number[] }> {
  const { elsewhere } = cloud;
  const home = await createProfile(elsewhere, { name: "home" });
  const profile = await createProfile(elsewhere, { name: "theirs" });
  const serviceId = await createServiceId(elsewhere, { name: "theirs", description: "d" });
  const crn = crnOf(cloud, 3);
  const link = await createLink(elsewhere, home.id, { crType: "VSI", link: { crn }, name: "theirs" });
  const condition = { claim: "zone", operator: "EQUALS" } as const;
  const rule = await createClaimRule(elsewhere, home.id, {
    ...{ type: "Profile-CR", crType: "VSI", name: "theirs" },
    conditions: [{ ...condition, value: '"us-south-1"' }],
  });
  await addIdentity(elsewhere, home.id, { type: "user", identifier: "IBMid-3", description: "theirs" });
  const plain = (key: string, value: string): { key: string; operator: string; value: string } => {
    return { key, operator: "stringEquals", value };
  };
  const policy = await createPolicy(elsewhere, {
    subject: [plain("iam_id", "IBMid-3")],
    resource: { attributes: [plain("serviceName", "is"), plain("accountId", cloud.emulator.accountId)] },
    roleIds: ["crn:v1:bluemix:public:iam::::role:Viewer"],
    description: "theirs",
  });
  const profileId = home.id;
  const value = "us-south-1";
  return {
    args: {
      profile: { name: "theirs", adopt: true },
      serviceId: { name: "theirs", description: "d", adopt: true },
      link: { profileId, crType: "VSI", link: { crn }, name: "theirs", adopt: true },
      rule: {
        profileId,
        type: "Profile-CR",
        crType: "VSI",
        conditions: [{ ...condition, value }],
        name: "theirs",
        adopt: true,
      },
      identity: { profileId, type: "user", identifier: "IBMid-3", description: "ours", adopt: true },
      policy: { iamId: "IBMid-3", roles: ["Viewer"], service: "is", adopt: true },
    },
    ids: {
      profile: profile.id,
      serviceId: serviceId.id,
      link: `${home.id}/${link.id}`,
      rule: `${home.id}/${rule.id}`,
      identity: `${home.id}|user|IBMid-3`,
      policy: policy.id,
    },
    census: census(cloud),
  };
}

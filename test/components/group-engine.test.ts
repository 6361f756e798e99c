/** A group of linked servers over its life, and that its servers, and nobody else, may become the profile. */
import { Deployment } from "./deployment";

const PROGRAM = `
const { called, ...args } = wish;
const options = called === undefined ? {} : { aliases: [{ name: "web" }] };
const group = new vpc.LinkedInstanceGroup(called ?? "web", args, options);
export const { profileId, claimRuleId, instanceGroupId, instanceGroupName } = group;
`;

jest.setTimeout(120_000);

let deployment: Deployment;
beforeAll(async () => {
  deployment = await Deployment.of(PROGRAM);
});
afterAll(() => deployment.close());

interface Outputs {
  readonly profileId: string;
  readonly claimRuleId: string;
  readonly instanceGroupId: string;
  readonly instanceGroupName: string;
}

function wish(more: object): object {
  const { subnets, images, keys } = deployment.emulator.inventory();
  const [first, second] = subnets as { id: string; vpc: string; zone: string }[];
  const [imageId, key] = [images, keys].map(([one]) => (one as { id: string } | undefined)?.id);
  return {
    vpcId: first?.vpc,
    zone: first?.zone,
    subnetIds: [first?.id, second?.id],
    imageId,
    instanceProfile: "bx2-2x8",
    sshKeyIds: [key],
    membershipCount: 2,
    trustedProfile: { policies: [{ roles: ["Viewer"], service: "is" }] },
    ...more,
  };
}

/** The IAM token of the server's default profile, as its user data would fetch it. */
async function iamTokenOf(url: string): Promise<string> {
  const call = async (method: string, path: string, headers: Record<string, string>): Promise<string> => {
    const answer = await fetch(`${url}/identity/v1/${path}?version=2025-08-26`, { method, headers, body: "{}" });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return ((await answer.json()) as { access_token: string }).access_token;
  };
  const identity = await call("PUT", "token", { "Metadata-Flavor": "ibm" });
  return call("POST", "iam_tokens", { Authorization: `Bearer ${identity}` });
}

function claimsOf(token: string): { iam_id?: string } {
  return JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8")) as { iam_id?: string };
}

const GROUP = "/v1/instance_groups";
const TEMPLATE = "/v1/instance/templates";

it("has its rule before its servers boot", async () => {
  const before = deployment.emulator.journal().length;
  expect(await deployment.up(wish({}))).toEqual({
    "POST /v1/profiles": 1,
    "POST /v2/policies": 1,
    "POST /v1/profiles/:id/rules": 1,
    [`POST ${TEMPLATE}`]: 1,
    [`POST ${GROUP}`]: 1,
  });
  const posts = deployment.emulator
    .journal()
    .slice(before)
    .filter(({ method }) => method === "POST");
  expect(posts.at(-1)?.path.startsWith(GROUP)).toBe(true);
  const { instanceGroupName, profileId } = await deployment.outputs<Outputs>();
  const { claimRules, instances, links, subnets } = deployment.emulator.inventory();
  expect(instanceGroupName).toMatch(/^web-[0-9a-f]{8}$/);
  expect(claimRules).toMatchObject([
    {
      profile_id: profileId,
      cr_type: "VSI",
      conditions: [
        { claim: "instance_group_name", operator: "EQUALS", value: JSON.stringify(instanceGroupName) },
        { claim: "vpc_id", operator: "EQUALS", value: JSON.stringify((subnets[0] as { vpc: string }).vpc) },
      ],
    },
  ]);
  expect([instances.length, links.length]).toEqual([2, 0]);
});

it("lets each of its servers become the profile, without a link", async () => {
  const { profileId } = await deployment.outputs<Outputs>();
  const tokens = await Promise.all(deployment.emulator.inventory().instances.map(({ url }) => iamTokenOf(url)));
  expect(tokens.map((token) => claimsOf(token).iam_id)).toEqual([`iam-${profileId}`, `iam-${profileId}`]);
});

it("stays as it is", async () => {
  expect(await deployment.up(wish({}))).toEqual({});
});

it("grows without another change", async () => {
  expect(await deployment.up(wish({ membershipCount: 3 }))).toEqual({ [`PATCH ${GROUP}/:id`]: 1 });
  expect(deployment.emulator.inventory().instances).toHaveLength(3);
});

it("makes new servers from another template, and leaves those that exist as they are", async () => {
  const before = deployment.emulator.inventory().instances.map(({ id }) => id);
  const { instanceGroupName } = await deployment.outputs<Outputs>();
  const more = { membershipCount: 3, metadataService: { responseHopLimit: 2 } };
  expect(await deployment.up(wish(more))).toEqual({
    [`POST ${TEMPLATE}`]: 1,
    [`PATCH ${GROUP}/:id`]: 1,
    [`DELETE ${TEMPLATE}/:id`]: 1,
  });
  expect(deployment.emulator.inventory().instances.map(({ id }) => id)).toEqual(before);
  expect(await deployment.outputs<Outputs>()).toMatchObject({ instanceGroupName });
});

it("is renamed in rule and group alike, the rule first", async () => {
  const before = deployment.emulator.journal().length;
  const more = { name: "shop", membershipCount: 3, metadataService: { responseHopLimit: 2 } };
  expect(await deployment.up(wish(more))).toEqual({
    "PUT /v1/profiles/:id/rules/:id": 1,
    [`PATCH ${GROUP}/:id`]: 1,
  });
  const writes = deployment.emulator
    .journal()
    .slice(before)
    .filter(({ method }) => /PUT|PATCH/.test(method));
  expect(writes.map(({ method }) => method)).toEqual(["PUT", "PATCH"]);
  const [rule] = deployment.emulator.inventory().claimRules as { conditions: { value: string }[] }[];
  expect(rule?.conditions[0]?.value).toBe('"shop"');
  await Promise.all(deployment.emulator.inventory().instances.map(({ url }) => iamTokenOf(url)));
});

it("is the same group when the component is renamed with an alias, and gets a new name only where that is made from it", async () => {
  const { profileId, instanceGroupId, claimRuleId } = await deployment.outputs<Outputs>();
  const more = { name: "shop", membershipCount: 3, metadataService: { responseHopLimit: 2 } };
  expect(await deployment.up(wish({ ...more, called: "store" }))).toEqual({});
  expect(await deployment.up(wish({ ...more, called: "store", name: undefined }))).toEqual({
    "PUT /v1/profiles/:id/rules/:id": 1,
    [`PATCH ${GROUP}/:id`]: 1,
  });
  const now = await deployment.outputs<Outputs>();
  expect(now).toMatchObject({ profileId, instanceGroupId, claimRuleId });
  expect(now.instanceGroupName).toMatch(/^store-[0-9a-f]{8}$/);
});

it("is destroyed without a rest", async () => {
  expect(await deployment.destroy()).toEqual({
    [`DELETE ${GROUP}/:id`]: 1,
    [`DELETE ${TEMPLATE}/:id`]: 1,
    "DELETE /v1/profiles/:id/rules/:id": 1,
    "DELETE /v1/profiles/:id": 1,
    "DELETE /v2/policies/:id": 1,
  });
  const { profiles, policies, claimRules, instances } = deployment.emulator.inventory();
  expect([profiles, policies, claimRules, instances]).toEqual([[], [], [], []]);
});

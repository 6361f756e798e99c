/** The fault table for every IAM resource. */
import { createProfile } from "../../client/iam-identity";
import { createServiceId } from "../../client/iam-service-ids";
import { handler as accessPolicy } from "../../provider/access-policy";
import { handler as apiKey } from "../../provider/api-key";
import { handler as serviceId } from "../../provider/service-id";
import { handler as trustedProfile } from "../../provider/trusted-profile";
import { handler as claimRule } from "../../provider/trusted-profile-claim-rule";
import { handler as identity } from "../../provider/trusted-profile-identity";
import { handler as link } from "../../provider/trusted-profile-link";
import { type Cloud, Life, rejectionOf, startCloud } from "./cloud";
import { type Kind, faultCases } from "./fault-table";

let cloud: Cloud;
let profileId: string;
let owner: { readonly id: string; readonly iamId: string };

const rows = (
  name: "profiles" | "links" | "claimRules" | "policies" | "serviceIds" | "apiKeys",
): Record<string, unknown>[] => [...cloud.emulator.inventory()[name]];
const last = ({ id }: Life): string => id.split("/").at(-1) ?? "";
const at = (base: string) => (life: Life) => new RegExp(`${base}/${last(life)}$`);

const KINDS: Record<string, Kind> = {
  TrustedProfile: {
    handler: trustedProfile as never,
    args: () => ({}),
    change: { description: "new" },
    collection: () => /^\/v1\/profiles$/,
    object: at("/v1/profiles"),
    list: { profiles: [] },
    inventory: () =>
      rows("profiles")
        .map(({ id }) => String(id))
        .filter((id) => id !== profileId),
  },
  TrustedProfileLink: {
    handler: link as never,
    args: () => ({
      profileId,
      crType: "VSI",
      link: { crn: `crn:v1:bluemix:public:is:us-south-1:a/${cloud.emulator.accountId}::instance:1` },
    }),
    collection: () => /\/links$/,
    object: at("/links"),
    inParent: true,
    list: { links: [] },
    inventory: () => rows("links").map(({ id }) => `${profileId}/${String(id)}`),
  },
  TrustedProfileClaimRule: {
    handler: claimRule as never,
    args: () => ({
      profileId,
      type: "Profile-CR",
      crType: "VSI",
      conditions: [{ claim: "zone", operator: "EQUALS", value: "us-south-1" }],
    }),
    change: { crType: "BMS" },
    collection: () => /\/rules$/,
    object: at("/rules"),
    inParent: true,
    list: { rules: [] },
    inventory: () => rows("claimRules").map(({ id }) => `${profileId}/${String(id)}`),
  },
  TrustedProfileIdentity: {
    handler: identity as never,
    args: () => ({ profileId, type: "user", identifier: "IBMid-1" }),
    change: { description: "new" },
    collection: () => /\/identities\/user$/,
    object: () => /\/identities\/user\/IBMid-1$/,
    updates: () => /\/identities$/,
    inParent: true,
    inventory: () =>
      (rows("profiles").find(({ id }) => id === profileId)?.identities as { type: string; identifier: string }[]).map(
        ({ type, identifier }) => `${profileId}|${type}|${identifier}`,
      ),
  },
  AccessPolicy: {
    handler: accessPolicy as never,
    args: () => ({ profileId, roles: ["Operator"], service: "is" }),
    change: { description: "new" },
    collection: () => /^\/v2\/policies$/,
    object: at("/v2/policies"),
    list: { policies: [] },
    inventory: () => rows("policies").map(({ id }) => String(id)),
  },
  ServiceId: {
    handler: serviceId as never,
    args: () => ({}),
    change: { description: "new" },
    collection: () => /^\/v1\/serviceids$/,
    object: at("/v1/serviceids"),
    list: { serviceids: [] },
    inventory: () =>
      rows("serviceIds")
        .map(({ id }) => String(id))
        .filter((id) => id !== owner.id),
  },
  ApiKey: {
    handler: apiKey as never,
    args: () => ({ serviceId: owner.id }),
    change: { description: "new" },
    collection: () => /^\/v1\/apikeys$/,
    object: at("/v1/apikeys"),
    list: { apikeys: [] },
    inventory: () =>
      rows("apiKeys")
        .filter(({ iam_id }) => iam_id === owner.iamId)
        .map(({ id }) => String(id)),
  },
};

const VALUE = "a value of the user's, long enough for IAM";

/** Texts without a hash: there is nothing in the object by which it could be told from somebody else's. */
const OF_THE_USER: Record<string, object> = {
  TrustedProfile: { name: "users", description: "mine" },
  TrustedProfileLink: { name: "users" },
  AccessPolicy: { description: "mine" },
  ServiceId: { name: "users", description: "mine" },
  ApiKey: { name: "users", description: "mine", value: VALUE },
};

const withTextsOfTheUser = Object.entries(OF_THE_USER).map(([type, texts]): [string, Kind] => {
  const kind = KINDS[type];
  if (kind === undefined) throw new Error(`no row for ${type}`);
  return [`${type} with texts of the user's`, { ...kind, list: undefined, args: () => ({ ...kind.args(), ...texts }) }];
});

beforeAll(async () => {
  // Read when the session opens: an answer that does not come is waited for as long as this.
  process.env.IC_TIMEOUT = "1";
  cloud = await startCloud();
  profileId = (await createProfile(cloud.elsewhere, { name: "shared" })).id;
  owner = await createServiceId(cloud.elsewhere, { name: "owner" });
});
afterAll(async () => {
  delete process.env.IC_TIMEOUT;
  await cloud.close();
});

describe.each([...Object.entries(KINDS), ...withTextsOfTheUser])("%s", (_type, kind) => {
  it.each(faultCases(() => cloud, kind))("%s", async (_name, run) => {
    expect(await run()).toEqual([]);
  });

  const { list } = kind;
  if (list !== undefined) {
    it("is made exactly once when an earlier run was killed and the list does not show its object yet", async () => {
      // No state ever heard of it.
      await new Life(kind.handler).create(kind.args());
      const lag = cloud.fail("GET", kind.collection(), { status: 200, body: list }, 2);
      const life = await new Life(kind.handler).create(kind.args());
      expect(kind.inventory()).toEqual([life.id]);
      expect(lag.fired).toBeGreaterThan(0);
      lag.end();
      expect(await life.diff(kind.args())).toMatchObject({ changes: false });
      await life.delete();
      expect(kind.inventory()).toEqual([]);
    });
  }
});

it.each([
  ...withTextsOfTheUser.filter(([name]) => !name.startsWith("ServiceId")),
  ["ApiKey with a value of the user's", { ...KINDS.ApiKey, args: () => ({ ...KINDS.ApiKey?.args(), value: VALUE }) }],
] as [string, Kind][])("%s: an equal one of somebody else's is not taken over after a reset", async (_name, kind) => {
  const theirs = await new Life(kind.handler, `${"b2".repeat(8)}:app`).create(kind.args());
  const lost = cloud.fail("POST", kind.collection(), "lost");
  expect(await rejectionOf(new Life(kind.handler).create(kind.args()))).toContain("was not made by this stack");
  lost.end();
  expect(kind.inventory()).toEqual([theirs.id]);
  await theirs.delete();
});

/**
 * What goes wrong on the way, for every IAM resource: after it, and at the latest after the next run, there is exactly one
 * object, and it is the one in the state. Each case shows that its fault did happen.
 */
import type { dynamic } from "@pulumi/pulumi";
import { createProfile } from "../../client/iam-identity";
import { createServiceId } from "../../client/iam-service-ids";
import { handler as accessPolicy } from "../../provider/access-policy";
import { handler as apiKey } from "../../provider/api-key";
import { handler as serviceId } from "../../provider/service-id";
import { handler as trustedProfile } from "../../provider/trusted-profile";
import { handler as claimRule } from "../../provider/trusted-profile-claim-rule";
import { handler as identity } from "../../provider/trusted-profile-identity";
import { handler as link } from "../../provider/trusted-profile-link";
import { type Cloud, type Fault, Life, startCloud } from "./cloud";

interface Kind {
  readonly handler: dynamic.ResourceProvider;
  readonly args: () => Record<string, unknown>;
  /** What an update changes; a link has no update. */
  readonly change?: Record<string, unknown>;
  /** Where one is made, and the last part of where one is changed and deleted. */
  readonly collection: () => RegExp;
  readonly object: (life: Life) => RegExp;
  readonly updates?: (life: Life) => RegExp;
  /** The body of the list that is looked through, while it lags behind. */
  readonly list?: object;
  /** It lives in a profile, which may have been made a moment ago. */
  readonly inProfile?: true;
  /** Resource ids of what there is. */
  readonly inventory: () => string[];
}

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
    inProfile: true,
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
    inProfile: true,
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
    inProfile: true,
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

/** A create as the engine tries it: when it fails nothing is stored, and the next run tries again. */
async function created({ handler, args }: Kind): Promise<Life> {
  const first = await new Life(handler).create(args()).catch(() => undefined);
  return first ?? new Life(handler).create(args());
}

const CREATE_FAULTS: [string, Fault, number][] = [
  ["429", { status: 429, retryAfter: "0" }, 2],
  ["500", { status: 500 }, 1],
  ["500 although it was done", { status: 500, acted: true }, 1],
  ["503", { status: 503 }, 1],
  ["503 with a time to come back", { status: 503, retryAfter: "0" }, 2],
  ["a connection that is reset before the effect", "lost", 1],
  ["a connection that is reset after the effect", "answer lost", 1],
  ["three connections that are reset after the effect", "answer lost", 3],
  ["an answer that never comes", "answer held", 1],
  ["an answer that makes no sense", { status: 201, body: ["?"], acted: true }, 1],
];
const CHANGE_FAULTS: [string, Fault, number][] = [
  ["429", { status: 429, retryAfter: "0" }, 2],
  ["500", { status: 500 }, 1],
  ["500 although it was done", { status: 500, acted: true }, 1],
  ["503", { status: 503 }, 2],
  ["a connection that is reset before the effect", "lost", 1],
  ["a connection that is reset after the effect", "answer lost", 1],
];

describe.each(Object.entries(KINDS))("%s", (_type, kind) => {
  let life: Life | undefined;
  afterEach(async () => {
    await life?.delete();
    expect(kind.inventory()).toEqual([]);
    life = undefined;
  });

  it.each(CREATE_FAULTS)("is made exactly once despite %s", async (_name, fault, times) => {
    const planned = cloud.fail("POST", kind.collection(), fault, times);
    life = await created(kind);
    expect(planned.fired).toBeGreaterThan(0);
    planned.end();
    expect(kind.inventory()).toEqual([life.id]);
    expect(await life.diff(kind.args())).toMatchObject({ changes: false });
  });

  const { list, change } = kind;
  if (list !== undefined) {
    it("is made exactly once when the answer is lost and the list lags behind", async () => {
      const lost = cloud.fail("POST", kind.collection(), "answer lost");
      // A type that looks before it creates sees the first of these there.
      const lagging = cloud.fail("GET", kind.collection(), { status: 200, body: list }, 2);
      life = await created(kind);
      expect([lost.fired, kind.inventory()]).toEqual([1, [life.id]]);
      expect(lagging.fired).toBeGreaterThan(0);
      lagging.end();
    });
  }

  if (kind.inProfile === true) {
    it("is made although its profile is not visible everywhere yet", async () => {
      const planned = cloud.fail("POST", kind.collection(), { status: 404 }, 2);
      life = await new Life(kind.handler).create(kind.args());
      expect([planned.fired, kind.inventory()]).toEqual([2, [life.id]]);
    });
  }

  if (change !== undefined) {
    const wanted = (): Record<string, unknown> => ({ ...kind.args(), ...change });

    it.each(CHANGE_FAULTS)("is changed exactly as wanted despite %s", async (_name, fault, times) => {
      life = await created(kind);
      const planned = cloud.fail("PUT", (kind.updates ?? kind.object)(life), fault, times);
      await life.update(wanted()).catch(() => life?.update(wanted()));
      expect(planned.fired).toBe(times);
      await life.refresh();
      expect(await life.diff(wanted())).toMatchObject({ changes: false });
      expect(kind.inventory()).toEqual([life.id]);
    });

    it("is changed although its tag has moved on for another reason", async () => {
      life = await created(kind);
      const before = life.outputs.entityTag;
      const twin = Object.assign(new Life(kind.handler), { id: life.id, inputs: life.inputs, outputs: life.outputs });
      await twin.update(wanted());
      await twin.update(kind.args());
      if (before !== undefined) expect(twin.outputs.entityTag).not.toBe(before);
      await life.update(wanted());
      expect(await life.diff(wanted())).toMatchObject({ changes: false });
    });
  }

  it.each(CHANGE_FAULTS)("ends despite %s", async (_name, fault, times) => {
    life = await created(kind);
    const planned = cloud.fail("DELETE", kind.object(life), fault, times);
    await life.delete().catch(() => life?.delete());
    expect([planned.fired, kind.inventory()]).toEqual([times, []]);
  });

  it("stays in the state when it cannot be read", async () => {
    life = await created(kind);
    const planned = cloud.fail("GET", kind.object(life), { status: 500 }, 20);
    await expect(life.refresh()).rejects.toThrow("500");
    expect(planned.fired).toBeGreaterThan(1);
    planned.end();
    expect(await life.refresh()).toBe(true);
  });

  it("stays in the state when something in between answers 404 in place of IAM", async () => {
    life = await created(kind);
    const planned = cloud.fail("GET", kind.object(life), { status: 404, body: { title: "proxy" } });
    await expect(life.refresh()).rejects.toThrow("404");
    expect(planned.fired).toBe(1);
  });
});

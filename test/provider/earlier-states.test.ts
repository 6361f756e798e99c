/**
 * States that earlier versions wrote. `delete` and `read` run today's code on them, and an update goes on from them, so
 * none may look like a change, lose a name or fail. The fixtures are exports of stacks that those versions deployed.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { dynamic } from "@pulumi/pulumi";
import { createProfile, getProfile } from "../../client/iam-identity";
import { type Attribute, createPolicy, getPolicy } from "../../client/iam-policy";
import handlerOf from "../../provider/dynamic";
import { type Cloud, Life, startCloud } from "./cloud";

interface Stored {
  readonly type: string;
  readonly urn: string;
  readonly id: string;
  readonly inputs: Record<string, unknown>;
  readonly outputs: Record<string, unknown>;
}

/** What the programs said, by type and name: all the rest was made by `check`. */
const PROGRAM: Record<string, (inputs: Record<string, unknown>) => Record<string, unknown>> = {
  "TrustedProfile auto": () => ({}),
  "TrustedProfile named": ({ name, email, accountId }) => ({ name, email, accountId }),
  "AccessPolicy auto": ({ profileId, roles, service, region }) => ({ profileId, roles, service, region }),
  "AccessPolicy described": ({ profileId, roles, resourceGroupId, resourceAttributes, description }) => ({
    profileId,
    roles,
    resourceGroupId,
    resourceAttributes,
    description,
  }),
};

let cloud: Cloud;
const fixture = JSON.parse(readFileSync(join(__dirname, "testdata", "state-0.1.0.json"), "utf8")) as Stored[];
const nameOf = ({ type, urn }: Stored): string => `${type.split(":").at(-1) ?? ""} ${urn.split("::").at(-1) ?? ""}`;
const stored = (name: string): Stored => {
  const found = fixture.find((one) => nameOf(one) === name);
  if (found === undefined) throw new Error(`no ${name} in the fixture`);
  return found;
};

/** Puts an object as the stored one describes it into the account, and its id, tag and times into the fixture. */
async function revive(name: string): Promise<void> {
  const old = stored(name);
  const made = name.startsWith("TrustedProfile") ? await reviveProfile(old.outputs) : await revivePolicy(old.outputs);
  const renamed = JSON.parse(JSON.stringify(old).replaceAll(old.id, made.id)) as Stored;
  fixture[fixture.indexOf(old)] = { ...renamed, outputs: { ...renamed.outputs, ...made.outputs } };
}

async function reviveProfile({ name, description, email }: Record<string, unknown>): Promise<Revived> {
  const wanted = {
    name: String(name),
    description: description as string | undefined,
    email: email as string | undefined,
  };
  const { id, entityTag, createdAt = "", modifiedAt = "" } = await createProfile(cloud.elsewhere, wanted);
  return { id, outputs: { entityTag, createdAt, modifiedAt } };
}

async function revivePolicy(outputs: Record<string, unknown>): Promise<Revived> {
  const { id, etag } = await createPolicy(cloud.elsewhere, {
    subject: [{ key: "iam_id", operator: "stringEquals", value: String(outputs.iamId) }],
    resource: { attributes: outputs.attributes as Attribute[] },
    roleIds: outputs.roleIds as string[],
    description: String(outputs.description),
  });
  return { id, outputs: { entityTag: etag } };
}

interface Revived {
  readonly id: string;
  /** What only the account that it is in now can tell. */
  readonly outputs: Record<string, string>;
}

beforeAll(async () => {
  cloud = await startCloud({ seed: { accountId: "59bcbfa6ea2f006b4ed7094c1a08dcdd" } });
  for (const name of Object.keys(PROGRAM)) await revive(name);
});
afterAll(() => cloud.close());
beforeEach(() => cloud.calls());

describe.each(Object.entries(PROGRAM))("a stored %s of version 0.1.0", (name, argsOf) => {
  const type = name.split(" ")[0] ?? "";
  const life = (mark?: string): Life => {
    const { id, inputs, outputs } = stored(name);
    return Object.assign(new Life(handlerOf(type), mark ?? String(inputs.mark)), { id, inputs, outputs });
  };
  const liveOf = (id: string): Promise<unknown> =>
    type === "TrustedProfile" ? getProfile(cloud.elsewhere, id) : getPolicy(cloud.elsewhere, id);

  it("is what the same program asks for: nothing changes, nothing is called", async () => {
    const { inputs } = stored(name);
    const args = { ...argsOf(inputs), __provider: inputs.__provider };
    expect((await life().check(args)).inputs).toEqual(inputs);
    expect(await life().diff(args)).toMatchObject({ changes: false });
    expect(cloud.calls()).toEqual([]);
  });

  it("keeps its names under an alias, whose URN gives another mark", async () => {
    const { inputs } = stored(name);
    const renamed = life(`${"f".repeat(16)}:renamed`);
    expect((await renamed.check(argsOf(inputs))).inputs).toEqual({ ...inputs, __provider: undefined });
    expect(await renamed.diff(argsOf(inputs))).toMatchObject({ changes: false });
  });

  it("stays as it is in a refresh", async () => {
    const { id, outputs } = stored(name);
    const props = { ...outputs, __provider: undefined };
    expect(await handlerOf(type).read?.(id, outputs)).toEqual({ id, props });
  });

  it("is updated, and deleted", async () => {
    const before = life();
    await before.update({ ...argsOf(stored(name).inputs), description: "by the new version" });
    expect(await liveOf(before.id)).toMatchObject({ description: "by the new version" });
    await before.delete();
    const gone = (await liveOf(before.id)) as { state?: string } | undefined;
    expect(gone?.state ?? "deleted").toBe("deleted");
  });
});

it("the fixture holds nothing that this test does not look at", () => {
  expect(fixture.map(nameOf).sort()).toEqual(Object.keys(PROGRAM).sort());
  expect((handlerOf("TrustedProfile") as dynamic.ResourceProvider | undefined)?.read).toBeDefined();
});

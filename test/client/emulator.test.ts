/** The client against the emulator, which was written from IBM's documents and not from the client. */
import { startEmulator, type Emulator } from "../../emulator";
import {
  createLink,
  createProfile,
  deleteLink,
  deleteProfile,
  getLink,
  getProfile,
  listLinks,
  listProfiles,
  updateProfile,
} from "../../client/iam-identity";
import {
  createClaimRule,
  deleteClaimRule,
  getClaimRule,
  listClaimRules,
  replaceClaimRule,
} from "../../client/iam-claim-rules";
import {
  createPolicy,
  deletePolicy,
  getPolicy,
  listPolicies,
  listRoles,
  replacePolicy,
  restorePolicy,
} from "../../client/iam-policy";
import {
  addIdentity,
  getIdentities,
  getIdentity,
  removeIdentity,
  replaceIdentities,
} from "../../client/iam-profile-identities";
import {
  createInstance,
  deleteInstance,
  getInitialization,
  getInstance,
  listInstances,
  updateInstance,
} from "../../client/vpc";
import type { InstancePrototype } from "../../client/vpc-instance-prototype";
import { objectOf, listIn, textAt } from "../../client/fields";
import { openSession, type Session } from "../../client/session";
import { TokenCache } from "../../client/token";

let emulator: Emulator;
let session: Session;

beforeAll(async () => {
  emulator = await startEmulator();
  session = openSession(
    () => undefined,
    { ...emulator.env, IBMCLOUD_API_KEY: emulator.apiKey },
    {
      tokens: new TokenCache(),
    },
  );
});
afterAll(() => emulator.close());

it("takes the account from its token", async () => {
  expect(await session.accountId()).toBe(emulator.accountId);
});

it("a wrong API key is refused in the server's words", async () => {
  const wrong = openSession(() => undefined, {
    ...emulator.env,
    IBMCLOUD_API_KEY: "wrong-key-0123456789-0123456789-01",
  });
  await expect(wrong.token()).rejects.toMatchObject({ code: "IBMID_CREDENTIALS_REFUSED" });
  await expect(wrong.token()).rejects.toThrow(/environment variable IBMCLOUD_API_KEY was refused.*BXNIM0415E/s);
});

it("a trusted profile lives its life", async () => {
  const created = await createProfile(session, { name: "life", description: "first" });
  expect(await getProfile(session, created.id)).toEqual(created);
  await expect(createProfile(session, { name: "life" })).rejects.toMatchObject({ code: "IBMID_CONFLICT" });
  const cleared = await updateProfile(session, created.id, created.entityTag, { description: "" });
  expect(cleared).not.toHaveProperty("description");
  const stale = updateProfile(session, created.id, created.entityTag, { name: "other" });
  await expect(stale).rejects.toMatchObject({ code: "IBMID_CONFLICT", status: 409 });
  const found = [];
  for await (const { id } of listProfiles(session, { name: "life" })) found.push(id);
  expect(found).toEqual([created.id]);
  await deleteProfile(session, created.id);
  await deleteProfile(session, created.id);
  expect(await getProfile(session, created.id)).toBeUndefined();
});

it("links come and go", async () => {
  const { id } = await createProfile(session, { name: "linked" });
  const crn = `crn:v1:bluemix:public:is:us-south-1:a/${emulator.accountId}::instance:0717_1`;
  const link = await createLink(session, id, { crType: "VSI", link: { crn } });
  expect(await getLink(session, id, link.id)).toEqual(link);
  expect((await listLinks(session, id)).map((one) => one.link.crn)).toEqual([crn]);
  await deleteLink(session, id, link.id);
  await deleteLink(session, id, link.id);
  expect(await listLinks(session, id)).toEqual([]);
  await deleteProfile(session, id);
});

it("claim rules are replaced as a whole", async () => {
  const { id } = await createProfile(session, { name: "ruled" });
  const conditions = [{ claim: "zone", operator: "EQUALS", value: '"us-south-1"' }] as const;
  const rule = await createClaimRule(session, id, { type: "Profile-CR", crType: "VSI", conditions });
  expect(rule).toMatchObject({ type: "Profile-CR", crType: "VSI", conditions });
  expect(await getClaimRule(session, id, rule.id)).toEqual(rule);
  const saml = { type: "Profile-SAML", realmName: "https://idp.example.com", expirationSeconds: 3600 } as const;
  const replaced = await replaceClaimRule(session, id, rule.id, rule.entityTag, { ...saml, conditions });
  expect(replaced).toMatchObject({ ...saml, id: rule.id });
  const stale = replaceClaimRule(session, id, rule.id, rule.entityTag, { ...saml, conditions });
  await expect(stale).rejects.toMatchObject({ code: "IBMID_CONFLICT" });
  await deleteClaimRule(session, id, rule.id);
  await deleteClaimRule(session, id, rule.id);
  expect(await listClaimRules(session, id)).toEqual([]);
  await deleteProfile(session, id);
  expect(await getClaimRule(session, id, rule.id)).toBeUndefined();
});

it("identities: one by one and as a set, an empty set clears", async () => {
  const { id } = await createProfile(session, { name: "people" });
  const user = { type: "user", identifier: "IBMid-270000ABCD", accounts: [emulator.accountId] } as const;
  expect(await addIdentity(session, id, user)).toMatchObject({ iamId: user.identifier, type: "user" });
  expect(await getIdentity(session, id, "user", user.identifier)).toMatchObject(user);
  const set = await getIdentities(session, id);
  expect(set?.identities).toHaveLength(1);
  const emptied = await replaceIdentities(session, id, set?.entityTag ?? "", []);
  expect(emptied.identities).toEqual([]);
  await removeIdentity(session, id, "user", user.identifier);
  expect(await getIdentity(session, id, "user", user.identifier)).toBeUndefined();
  await deleteProfile(session, id);
  expect(await getIdentities(session, id)).toBeUndefined();
});

it("a policy lives, dies and rises", async () => {
  const profile = await createProfile(session, { name: "granted" });
  const roles = await listRoles(session, { serviceName: "is" });
  const role = roles.find(({ displayName }) => displayName === "Operator");
  const body = {
    subject: [{ key: "iam_id", operator: "stringEquals", value: profile.iamId }],
    resource: {
      attributes: [
        { key: "serviceName", operator: "stringEquals", value: "is" },
        { key: "accountId", operator: "stringEquals", value: emulator.accountId },
      ],
    },
    roleIds: [role?.crn ?? ""],
  };
  const created = await createPolicy(session, body);
  const read = await getPolicy(session, created.id);
  expect(read).toMatchObject({ ...body, state: "active", version: "v2" });
  await expect(createPolicy(session, body)).rejects.toMatchObject({
    code: "IBMID_CONFLICT",
    serverDetails: { conflicts_with: { policy: { id: created.id } } },
  });
  const replaced = await replacePolicy(session, created.id, read?.etag ?? "", { ...body, description: "more" });
  expect(replaced.description).toBe("more");
  await expect(replacePolicy(session, created.id, read?.etag ?? "", body)).rejects.toMatchObject({ status: 409 });
  const ids = [];
  for await (const { id } of listPolicies(session, { iamId: profile.iamId })) ids.push(id);
  expect(ids).toEqual([created.id]);
  await deletePolicy(session, created.id);
  await deletePolicy(session, created.id);
  const deleted = await getPolicy(session, created.id);
  expect(deleted?.state).toBe("deleted");
  expect((await restorePolicy(session, created.id, deleted?.etag ?? "")).state).toBe("active");
  await deletePolicy(session, created.id);
  await deleteProfile(session, profile.id);
});

/** The network, image and key that every emulator has. */
async function place(): Promise<Pick<InstancePrototype, "zone" | "imageId" | "keyIds" | "primaryNetworkAttachment">> {
  const all = async (kind: string): Promise<string[]> => {
    const answer = await session.call({ api: "vpc", method: "GET", path: `/${kind}`, doing: `list ${kind}` });
    return listIn(objectOf(answer.body, kind), kind).map((one) => textAt(one, "id"));
  };
  const [subnets, images, keys] = await Promise.all([all("subnets"), all("images"), all("keys")]);
  return {
    zone: `${emulator.region}-1`,
    imageId: images[0] ?? "",
    keyIds: keys.slice(0, 1),
    primaryNetworkAttachment: { virtualNetworkInterface: { subnetId: subnets[0] ?? "" } },
  };
}

it("a server with a linked profile", async () => {
  const profile = await createProfile(session, { name: "of-a-server" });
  const prototype = {
    ...(await place()),
    name: "client-test",
    profile: "bx2-2x8",
    metadataService: { enabled: true },
    defaultTrustedProfile: { target: profile.crn, autoLink: true },
  };
  const created = await createInstance(session, prototype);
  expect(created).toMatchObject({ name: "client-test", status: "pending" });
  expect(created.metadataService).toEqual({ enabled: true, protocol: "http", responseHopLimit: 1 });
  const duplicate = createInstance(session, prototype);
  await expect(duplicate).rejects.toMatchObject({ code: "IBMID_BAD_REQUEST", serverCode: "validation_unique_failed" });
  while ((await getInstance(session, created.id))?.status !== "running") await session.clock.sleep(100);
  expect((await getInstance(session, created.id))?.primaryIp).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
  expect((await listLinks(session, profile.id)).map(({ link }) => link.crn)).toEqual([created.crn]);
  expect(await getInitialization(session, created.id)).toEqual({
    defaultTrustedProfile: { autoLink: true, target: { id: profile.id, crn: profile.crn } },
    keyIds: prototype.keyIds,
  });
  const updated = await updateInstance(session, created.id, { metadataService: { responseHopLimit: 2 } });
  expect(updated.metadataService).toEqual({ enabled: true, protocol: "http", responseHopLimit: 2 });
  const names = [];
  for await (const { name } of listInstances(session, { name: "client-test" })) names.push(name);
  expect(names).toEqual(["client-test"]);
  await deleteInstance(session, created.id);
  while ((await getInstance(session, created.id)) !== undefined) await session.clock.sleep(100);
  await deleteInstance(session, created.id);
  await deleteProfile(session, profile.id);
});

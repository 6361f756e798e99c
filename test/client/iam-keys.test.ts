/** Service IDs and API keys: field by field in both directions, locks, and that a key's value never shows. */
import {
  createApiKey,
  deleteApiKey,
  getApiKey,
  getApiKeyByValue,
  listApiKeys,
  setApiKeyDisabled,
  setApiKeyLock,
  updateApiKey,
} from "../../client/iam-api-keys";
import {
  createServiceId,
  deleteServiceId,
  getServiceId,
  listServiceIds,
  setServiceIdLock,
  updateServiceId,
} from "../../client/iam-service-ids";
import { redact } from "../../core/errors";
import {
  ACCOUNT,
  sessionOn,
  startServer,
  withTokens,
  type OpenedSession,
  type Script,
  type ScriptedServer,
} from "./scripted-server";

let server: ScriptedServer;
let session: OpenedSession;

async function serve(script: Script): Promise<void> {
  server = await startServer(withTokens(script));
  session = sessionOn(server);
}

afterEach(async () => {
  await session.transport.close();
  await server.close();
});

const calls = (): string[] => server.to("/v1").map(({ method, url }) => `${method} ${url}`);
const sent = (): unknown => JSON.parse(server.to("/v1")[0]?.body ?? "");

const common = { name: "n", account_id: ACCOUNT, entity_tag: "1-a", crn: "crn:x" };
const serviceIdWire = {
  ...common,
  id: "ServiceId-1",
  iam_id: "iam-ServiceId-1",
  locked: true,
  unique_instance_crns: [],
};
const serviceId = {
  id: "ServiceId-1",
  iamId: "iam-ServiceId-1",
  crn: "crn:x",
  name: "n",
  accountId: ACCOUNT,
  entityTag: "1-a",
  locked: true,
  uniqueInstanceCrns: [],
};
const VALUE = "value-of-the-new-key-0123456789-0123456789";
const keyWire = { ...common, id: "ApiKey-1", iam_id: "IBMid-1", locked: false, disabled: true, apikey: "" };
const apiKey = {
  id: "ApiKey-1",
  iamId: "IBMid-1",
  crn: "crn:x",
  name: "n",
  accountId: ACCOUNT,
  entityTag: "1-a",
  locked: false,
  disabled: true,
  supportSessions: false,
};
const gone = { status: 404, body: { errors: [{ code: "not_found", message: "No." }] } };

describe("service IDs", () => {
  it("create, update, list", async () => {
    await serve(({ method, url }) => {
      if (method !== "GET") return { body: serviceIdWire };
      return {
        body: { serviceids: [serviceIdWire], next: url.includes("pagetoken") ? undefined : "https://x/?pagetoken=t" },
      };
    });
    expect(await createServiceId(session, { name: "n", uniqueInstanceCrns: [] })).toStrictEqual(serviceId);
    expect(sent()).toEqual({ name: "n", account_id: ACCOUNT, unique_instance_crns: [] });
    await updateServiceId(session, "ServiceId-1", "1-a", { description: "" });
    expect(server.to("/v1")[1]).toMatchObject({ method: "PUT", body: '{"description":""}' });
    expect(server.to("/v1")[1]?.headers["if-match"]).toBe("1-a");
    const ids = [];
    for await (const { id } of listServiceIds(session)) ids.push(id);
    expect(ids).toEqual(["ServiceId-1", "ServiceId-1"]);
  });

  it("lock, unlock, gone", async () => {
    await serve(({ url }) => (url.endsWith("/lock") ? { status: 204 } : gone));
    await setServiceIdLock(session, "ServiceId-1", true);
    await setServiceIdLock(session, "ServiceId-1", false);
    expect(await getServiceId(session, "ServiceId-1")).toBeUndefined();
    await deleteServiceId(session, "ServiceId-1");
    expect(calls()).toEqual([
      "POST /v1/serviceids/ServiceId-1/lock",
      "DELETE /v1/serviceids/ServiceId-1/lock",
      "GET /v1/serviceids/ServiceId-1?show_group_id=true",
      "DELETE /v1/serviceids/ServiceId-1",
    ]);
  });
});

describe("API keys", () => {
  it("create: every field, and the value is known as a secret from then on", async () => {
    await serve(() => ({ status: 201, body: { ...keyWire, apikey: VALUE } }));
    const created = await createApiKey(session, {
      name: "n",
      iamId: "IBMid-1",
      description: "d",
      storeValue: false,
      supportSessions: true,
      actionWhenLeaked: "disable",
      expiresAt: "2030-01-01T00:00+0000",
      disabled: true,
    });
    expect(created).toStrictEqual({ ...apiKey, value: VALUE });
    expect(sent()).toEqual({
      name: "n",
      iam_id: "IBMid-1",
      account_id: ACCOUNT,
      description: "d",
      store_value: false,
      support_sessions: true,
      action_when_leaked: "disable",
      expires_at: "2030-01-01T00:00+0000",
    });
    expect(server.to("/v1")[0]?.headers).toMatchObject({ "entity-lock": "false", "entity-disable": "true" });
    expect(redact(`the key is ${VALUE}`)).toBe("the key is [redacted]");
  });

  it("an empty value is none", async () => {
    await serve(() => ({ body: keyWire }));
    expect(await getApiKey(session, "ApiKey-1")).toStrictEqual(apiKey);
    await updateApiKey(session, "ApiKey-1", "1-a", { name: "m", actionWhenLeaked: "none" });
    expect(server.to("/v1")[1]).toMatchObject({ method: "PUT", body: '{"name":"m","action_when_leaked":"none"}' });
  });

  it("by value: in a header, never in the address", async () => {
    const value = "value-of-a-known-key-0123456789-0123456789";
    await serve(() => ({ body: keyWire }));
    expect((await getApiKeyByValue(session, value))?.id).toBe("ApiKey-1");
    expect(calls()).toEqual(["GET /v1/apikeys/details"]);
    expect(server.to("/v1")[0]?.headers["iam-apikey"]).toBe(value);
  });

  it("list, lock, disable, delete", async () => {
    await serve(({ method, url }) => {
      if (url.includes("iam_id")) return { body: { apikeys: [keyWire] } };
      return method === "DELETE" && url.endsWith("/ApiKey-1") ? gone : { status: 204 };
    });
    const ids = [];
    for await (const { id } of listApiKeys(session, { iamId: "IBMid-1" })) ids.push(id);
    expect(ids).toEqual(["ApiKey-1"]);
    await setApiKeyLock(session, "ApiKey-1", true);
    await setApiKeyLock(session, "ApiKey-1", false);
    await setApiKeyDisabled(session, "ApiKey-1", true);
    await setApiKeyDisabled(session, "ApiKey-1", false);
    await deleteApiKey(session, "ApiKey-1");
    expect(calls().slice(1)).toEqual([
      "POST /v1/apikeys/ApiKey-1/lock",
      "DELETE /v1/apikeys/ApiKey-1/lock",
      "POST /v1/apikeys/ApiKey-1/disable",
      "DELETE /v1/apikeys/ApiKey-1/disable",
      "DELETE /v1/apikeys/ApiKey-1",
    ]);
  });

  it("a locked key is a conflict", async () => {
    const body = { errors: [{ code: "delete_not_possible", message_code: "BXNIM0105E", message: "Locked." }] };
    await serve(() => ({ status: 409, body }));
    await expect(deleteApiKey(session, "ApiKey-1")).rejects.toMatchObject({ serverCode: "delete_not_possible" });
  });
});

/** Why a server may do something, or may not: what the console says is what the API does. */
import { startEmulator, type Emulator } from "../../emulator";
import type { ConsoleAction, WhyAnswer } from "../../emulator/console/protocol";
import { VPC } from "../emulator/support";
import { makeAccount, type Account } from "./account";

/** Starting and stopping take as long as the tests say, whatever else the machine does. */
const ACTION_SECONDS = 60;

let emulator: Emulator;
let account: Account;
let url: string;

async function act(action: ConsoleAction): Promise<void> {
  const headers = { origin: new URL(url).origin };
  const response = await fetch(`${url}actions`, { method: "POST", headers, body: JSON.stringify(action) });
  expect(response.status).toBe(200);
}

async function why(server: string, action: string, target = ""): Promise<WhyAnswer> {
  const query = new URLSearchParams({ server, action, target });
  return (await (await fetch(`${url}why?${query.toString()}`)).json()) as WhyAnswer;
}

beforeAll(async () => {
  emulator = await startEmulator({ console: true, provisionSeconds: 0.1, actionSeconds: ACTION_SECONDS });
  url = emulator.consoleUrl ?? "";
  account = await makeAccount(emulator);
});

afterAll(() => emulator.close());

describe("why", () => {
  it("names the link and the policy that allow, and the claim rule of the other profile", async () => {
    const { allowed, conclusion, profiles } = await why(account.first.id, "is.instance.instance.list");
    expect([allowed, conclusion]).toEqual([
      true,
      "app-1 may: as app, which it may become and which has a policy for is.instance.instance.list.",
    ]);
    const app = profiles.find(({ name }) => name === "app");
    expect(app?.identity.map(({ counts, text }) => [counts, text])).toEqual([
      [true, expect.stringMatching(/^Link Link-[\w-]+ lets app-1 become app\.$/)],
    ]);
    expect(app?.policies).toEqual([
      { id: account.policyId, counts: true, text: "Policy Operator allows is.instance.instance.list." },
    ]);
    expect(profiles.find(({ name }) => name === "reports")?.identity[0]?.text).toBe(
      "Claim rule servers of zone 1 lets app-1 become reports.",
    );
  });

  it.each(["is.instance.instance.delete", "is.instance.instance.operate", "is.instance.instance.read"])(
    "decides %s as the API does",
    async (action) => {
      const { api, policyId } = account;
      const token = await api.serverToken(account.first.url);
      const path = `/v1/instances/${account.first.id}`;
      const call: Record<string, [string, object | undefined]> = {
        "is.instance.instance.delete": [`DELETE ${path}?${VPC}`, undefined],
        "is.instance.instance.operate": [`POST ${path}/actions?${VPC}`, { type: "start" }],
        "is.instance.instance.read": [`GET ${path}?${VPC}`, undefined],
      };
      const [route, body] = call[action] ?? ["", undefined];
      const { status } = await api.send(route, body, { token });
      const answer = await why(account.first.id, action, account.first.id);
      expect(answer.allowed).toBe(status !== 403);
      const verdict = answer.profiles.find(({ name }) => name === "app")?.policies.find(({ id }) => id === policyId);
      expect(verdict?.text).toBe(
        status === 403 ? `Policy Operator: its roles do not allow ${action}.` : `Policy Operator allows ${action}.`,
      );
    },
  );

  it.each<[string, object]>([
    ["is.instance.instance.create", {}],
    ["is.vpc.vpc.delete", { of: "vpcs" }],
    ["is.image.image.read", { of: "images" }],
    ["is.instance.instance.read", { of: "instances" }],
  ])("decides %s as the API does where a policy is for one server only", async (action, { of }: { of?: string }) => {
    const { api } = account;
    const name = `one-${action.replaceAll(".", "-")}`;
    const { id: profile, iamId } = await api.profile(name);
    const server = await api.server({ name, default_trusted_profile: { target: { id: profile } } });
    await api.policy(iamId, "Administrator", { serviceName: "is", instanceId: server.id });
    const token = await api.serverToken(server.url);
    const answer = await why(server.id, action, server.id);
    const method = action.endsWith("create") ? "POST" : action.endsWith("delete") ? "DELETE" : "GET";
    const path = of === undefined ? "/v1/instances" : `/v1/${of}/${answer.target}`;
    const { status } = await api.send(`${method} ${path}?${VPC}`, method === "POST" ? {} : undefined, { token });
    // By a claim rule the server may become another profile, too: the token is of this one.
    const found = answer.profiles.find((profile) => profile.name === name)?.allowed;
    expect([found, answer.targets.length > 0]).toEqual([status !== 403, of !== undefined]);
    expect(found).toBe(of === "instances");
    await api.must(`DELETE /v1/instances/${server.id}?${VPC}`);
  });

  it("knows that a server which cannot ask its services gets no token", async () => {
    const server = account.first.id;
    const conclusion = async (): Promise<[boolean, string]> => {
      const answer = await why(server, "is.instance.instance.list");
      return [answer.allowed, answer.conclusion];
    };
    const no = (reason: string) =>
      `app-1 may not: it cannot get a token, since ${reason}. A token that it has already is good until it expires.`;
    await act({ do: "metadata", server, settings: { enabled: false } });
    expect(await conclusion()).toEqual([false, no("its metadata service is off")]);
    await act({ do: "metadata", server, settings: { enabled: true } });
    await act({ do: "stop", server });
    emulator.advance(ACTION_SECONDS);
    expect(await conclusion()).toEqual([false, no("it is stopped")]);
    await act({ do: "start", server });
    emulator.advance(ACTION_SECONDS);
    expect((await conclusion())[0]).toBe(true);
  });

  it("says what is missing", async () => {
    const { api } = account;
    const lonely = await api.server({ name: "lonely", zone: { name: "us-south-1" } });
    const reports = emulator.inventory().profiles.find(({ name }) => name === "reports");
    const [rule] = emulator.inventory().claimRules;
    await api.must(`DELETE /v1/profiles/${String(reports?.id)}/rules/${String(rule?.id)}`);
    expect(await why(lonely.id, "is.instance.instance.list")).toEqual({
      allowed: false,
      conclusion: "lonely may not: no trusted profile has a link or a claim rule for it.",
      targets: [],
      target: "",
      profiles: [],
    });
  });

  it("tells a policy that is visible but not enforced yet", async () => {
    const { api } = account;
    await api.admin("POST /_emulator/faults", { settings: { enforcementDelaySeconds: 600 } });
    const { id, iamId } = await api.profile("late");
    await api.must(`POST /v1/profiles/${id}/links`, {
      cr_type: "VSI",
      link: { crn: emulator.inventory().instances.find((one) => one.id === account.first.id)?.crn },
    });
    await api.policy(iamId);
    const late = async (): Promise<WhyAnswer["profiles"][number] | undefined> =>
      (await why(account.first.id, "is.instance.instance.list")).profiles.find(({ name }) => name === "late");
    expect(await late()).toMatchObject({ assumable: false, allowed: false });
    expect((await late())?.policies[0]?.text).toBe("Policy Operator: is not enforced yet.");
    await act({ do: "advance", seconds: 601 });
    expect(await late()).toMatchObject({ assumable: true, allowed: true });
  });
});

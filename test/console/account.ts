/** An account worth looking at, made by its own API: two profiles, policies, a claim rule, servers, one of them booted. */
import { bootstrapUserData } from "../../bootstrap";
import { bootInstance, type BootedServer, type Emulator } from "../../emulator";
import { Api, VPC } from "../emulator/support";

interface Server {
  readonly id: string;
  readonly name: string;
  readonly url: string;
}

export interface Account {
  readonly api: Api;
  readonly profile: { readonly id: string; readonly iamId: string };
  readonly policyId: string;
  readonly servers: readonly Server[];
  readonly first: Server;
  /** Boots the first server for real. */
  readonly boot: () => Promise<BootedServer>;
}

export async function makeAccount(emulator: Emulator): Promise<Account> {
  const api = await new Api(emulator).logIn();
  const profile = await api.profile("app");
  const policyId = await api.policy(profile.iamId);
  const reports = await api.profile("reports");
  await api.policy(reports.iamId, "Viewer");
  await api.must(`POST /v1/profiles/${reports.id}/rules`, {
    name: "servers of zone 1",
    type: "Profile-CR",
    cr_type: "VSI",
    conditions: [{ claim: "zone", operator: "EQUALS", value: '"us-south-1"' }],
  });
  const userData = bootstrapUserData({
    iamTokens: [{ name: "default" }],
    certificate: { keySize: 2048, subject: { O: "Example" } },
  });
  const make = async (name: string): Promise<Server> => {
    const { id, url } = await api.server({
      name,
      default_trusted_profile: { target: { id: profile.id } },
      user_data: userData,
    });
    return { id, url, name };
  };
  const first = await make("app-1");
  const servers = [first, await make("app-2"), await make("app-3")];
  const boot = (): Promise<BootedServer> =>
    bootInstance({ socket: emulator.inventory().instances.find(({ name }) => name === "app-1")?.socket ?? "" });
  return { api, profile, policyId, servers, first, boot };
}

/** Takes a token of each server, and asks for what its policy allows and for what it does not. */
export async function makeCalls({ api, servers }: Account): Promise<void> {
  for (const { id, url } of servers) {
    const token = await api.serverToken(url);
    await api.send(`GET /v1/instances?${VPC}`, undefined, { token });
    await api.send(`GET /v1/instances/${id}?${VPC}`, undefined, { token });
    await api.send(`PATCH /v1/instances/${id}?${VPC}`, { name: "other" }, { token });
  }
}

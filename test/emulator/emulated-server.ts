/** Makes servers in an emulator by its own API, as any client would, for tests that boot them. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Emulator } from "../../emulator";

export interface EmulatedServer {
  readonly id: string;
  readonly socket: string;
  readonly profileId: string;
}

export interface ServerWish {
  readonly name: string;
  readonly userData?: string;
  readonly protocol?: "http" | "https";
  /** False leaves the default profile without a link. @default true */
  readonly autoLink?: boolean;
}

/** A running server with a trusted profile of its own. */
export async function makeServer(emulator: Emulator, wish: ServerWish): Promise<EmulatedServer> {
  const call = await caller(emulator);
  const profile = await call("POST", "/v1/profiles", { name: `${wish.name}-profile`, account_id: emulator.accountId });
  const inventory = emulator.inventory();
  const [subnet, image] = [inventory.subnets[0], inventory.images[0]] as { id: string; zone: string }[];
  const made = await call("POST", "/v1/instances?version=2025-08-26&generation=2", {
    name: wish.name,
    zone: { name: subnet?.zone },
    profile: { name: "bx2-2x8" },
    image: { id: image?.id },
    vpc: { id: inventory.vpcs[0]?.id },
    user_data: wish.userData,
    metadata_service: { enabled: true, protocol: wish.protocol ?? "http", response_hop_limit: 1 },
    default_trusted_profile: { auto_link: wish.autoLink ?? true, target: { id: profile.id } },
    primary_network_attachment: { virtual_network_interface: { subnet: { id: subnet?.id } } },
  });
  for (;;) {
    const server = emulator.inventory().instances.find(({ id }) => id === made.id);
    if (server?.status === "running") return { id: server.id, socket: server.socket, profileId: String(profile.id) };
    await sleep(50);
  }
}

/** Links a server to its profile afterwards. */
export async function link(emulator: Emulator, { id, profileId }: EmulatedServer): Promise<void> {
  const call = await caller(emulator);
  const crn = emulator.inventory().instances.find((server) => server.id === id)?.crn;
  await call("POST", `/v1/profiles/${profileId}/links`, { cr_type: "VSI", link: { crn, namespace: "" } });
}

type Call = (method: string, path: string, body: object) => Promise<Record<string, unknown>>;

async function caller(emulator: Emulator): Promise<Call> {
  const grant = new URLSearchParams({ grant_type: "urn:ibm:params:oauth:grant-type:apikey", apikey: emulator.apiKey });
  const answer = await fetch(`${emulator.url}/identity/token`, { method: "POST", body: grant });
  const { access_token: token } = (await answer.json()) as { access_token: string };
  return async (method, path, body) => {
    const response = await fetch(`${emulator.url}${path}`, {
      method,
      headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return JSON.parse(text) as Record<string, unknown>;
  };
}

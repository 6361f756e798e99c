/** Starts and stops an emulator: the public port, the admin port and the endpoints of the servers. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { adminListener } from "./admin";
import { EmulatorClock } from "./clock";
import { find } from "./table";
import { inventoryOf, type Inventory } from "./inventory";
import { Journal, type JournalEntry } from "./journal";
import { loadKeys, newKeys } from "./keys";
import { serve, type Front } from "./front";
import { RouteTable } from "./routes";
import { INSTANCE_ROUTES, ROUTES } from "./route-table";
import { makeAuthority } from "./on-instance/authority";
import { Endpoints } from "./on-instance/endpoints";
import { newState, type Seed } from "./seed";
import { settleVpc } from "./vpc/lifecycle";
import { seedVpc } from "./vpc/seed";
import type { World } from "./world";

export interface EmulatorOptions {
  /** Address to listen on. @default "127.0.0.1" */
  readonly host?: string;
  /** Port of the IAM, VPC and account APIs. @default 0, a free one */
  readonly port?: number;
  /** Port of the admin API. @default 0, a free one */
  readonly adminPort?: number;
  /** What the account holds at the start. @default see {@link Seed} */
  readonly seed?: Seed;
  /** From a server's creation to `running`, in seconds. @default 1 */
  readonly provisionSeconds?: number;
  /** Duration of starting, stopping and rebooting, in seconds. @default 0.5 */
  readonly actionSeconds?: number;
  /** From a delete call to the 404, in seconds. @default 0.5 */
  readonly deleteSeconds?: number;
  /** How long changed policies and links are visible before they are enforced, in seconds. @default 0 */
  readonly enforcementDelaySeconds?: number;
  /** How long new IAM objects answer 404 after their creation, in seconds. @default 0 */
  readonly readLagSeconds?: number;
  /** A changed metadata switch counts only after a stop and a start. @default false */
  readonly strictMetadataSwitch?: boolean;
  /** Receives every journal entry as it is made. @default none */
  readonly log?: (entry: JournalEntry) => void;
}

export interface Emulator {
  /** Base URL of the IAM, VPC and account APIs. */
  readonly url: string;
  /** Base URL of the admin API. */
  readonly adminUrl: string;
  /** API key of the account's owner. */
  readonly apiKey: string;
  readonly accountId: string;
  readonly region: string;
  /** The environment variables that point IBM's clients here. */
  readonly env: Readonly<Record<string, string>>;
  /** The root of all certificates, PEM. */
  readonly rootCertificate: string;
  /** What exists now, one list for each kind; deleted things are not in it. */
  inventory(): Inventory;
  /** What was asked of the emulator. */
  journal(): readonly JournalEntry[];
  close(): Promise<void>;
}

export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const host = options.host ?? "127.0.0.1";
  const seed = options.seed ?? {};
  const state = newState(seed, await newKeys(), new Date().toISOString());
  const world: World = {
    state,
    clock: new EmulatorClock(state),
    keys: loadKeys(state.keys),
    settings: {
      provisionSeconds: options.provisionSeconds ?? 1,
      actionSeconds: options.actionSeconds ?? 0.5,
      deleteSeconds: options.deleteSeconds ?? 0.5,
      enforcementDelaySeconds: options.enforcementDelaySeconds ?? 0,
      readLagSeconds: options.readLagSeconds ?? 0,
      strictMetadataSwitch: options.strictMetadataSwitch ?? false,
    },
    issuedLifetimes: seed.issuedLifetimes ?? {},
    url: "",
  };
  const journal = new Journal((hash) => isKeyHash(world, hash), options.log);
  const front: Front = {
    world,
    routes: new RouteTable(ROUTES),
    journal,
    settle: () => void settleVpc(world),
    commit: () => endpoints.sync(),
  };
  const instanceFront: Front = { ...front, routes: new RouteTable(INSTANCE_ROUTES) };
  const endpoints = new Endpoints(world, host, front.settle, (request, response, serverId) => {
    serve(instanceFront, request, response, serverId).catch(() => response.destroy());
  });
  const server = createServer((request, response) => {
    serve(front, request, response).catch(() => response.destroy());
  });
  const admin = createServer(adminListener({ world, journal, front, endpoints }));
  world.url = await listen(server, host, options.port ?? 0);
  world.state.authority = makeAuthority(world);
  seedVpc(world);
  const adminUrl = await listen(admin, host, options.adminPort ?? 0);
  return {
    url: world.url,
    adminUrl,
    apiKey: world.state.account.apiKey,
    accountId: world.state.account.id,
    region: world.state.account.region,
    env: environment(world),
    rootCertificate: world.state.authority.root,
    inventory: () => {
      front.settle();
      return inventoryOf(world, (id) => endpoints.of(id));
    },
    journal: () => journal.list(),
    close: async () => {
      await Promise.all([stop(server), stop(admin), endpoints.close()]);
    },
  };
}

const isKeyHash = (world: World, hash: string): boolean =>
  Object.values(world.state.iam.apiKeys).some((key) => key.value_hash === hash) ||
  find(world.state.iam.refreshTokens, hash) !== undefined;

function listen(server: Server, host: string, port: number): Promise<string> {
  // Malformed HTTP must neither crash the emulator nor leave the client waiting.
  server.on("clientError", (_error, socket) => {
    if (socket.writable) socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    else socket.destroy();
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      const address = server.address() as AddressInfo;
      resolve(`http://${host.includes(":") ? `[${host}]` : host}:${address.port}`);
    });
  });
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

/** The variables by which IBM's CLI, SDKs and Terraform provider find their endpoints. */
function environment(world: World): Record<string, string> {
  const { url } = world;
  const { apiKey, region } = world.state.account;
  return {
    IBMCLOUD_API_KEY: apiKey,
    IBMCLOUD_REGION: region,
    IBMCLOUD_IAM_API_ENDPOINT: url,
    IBMCLOUD_IS_NG_API_ENDPOINT: `${url}/v1`,
    IBMCLOUD_RESOURCE_MANAGEMENT_API_ENDPOINT: url,
    IBMCLOUD_RESOURCE_CONTROLLER_API_ENDPOINT: url,
    IBMCLOUD_USER_MANAGEMENT_ENDPOINT: url,
    IBMCLOUD_GT_API_ENDPOINT: url,
    IBMCLOUD_GS_API_ENDPOINT: url,
    IAM_IDENTITY_URL: url,
    IAM_IDENTITY_AUTH_URL: url,
    IAM_POLICY_MANAGEMENT_URL: url,
    IAM_POLICY_MANAGEMENT_AUTH_URL: url,
    VPC_URL: `${url}/v1`,
    VPC_AUTH_URL: url,
  };
}

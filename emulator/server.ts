/** Starts and stops an emulator: the public port, the admin port and the endpoints of the servers. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { adminListener, readJson } from "./admin";
import { EmulatorClock } from "./clock";
import { isLoopback } from "./console/access";
import { Console } from "./console/console";
import { environment } from "./environment";
import { FaultPlan, type Fault } from "./faults";
import { serve, type Front } from "./front";
import { inventoryOf, type Inventory } from "./inventory";
import { Journal, type JournalEntry } from "./journal";
import { loadKeys, newKeys } from "./keys";
import { makeAuthority } from "./on-instance/authority";
import { Endpoints } from "./on-instance/endpoints";
import { INSTANCE_ROUTES, ROUTES } from "./route-table";
import { RouteTable } from "./routes";
import { newState, type Seed } from "./seed";
import { SeedError } from "./seed-error";
import { problemsOfSeed } from "./seed-rules";
import { StateFile } from "./state-file";
import { find } from "./table";
import { settleVpc } from "./vpc/lifecycle";
import { seedVpc } from "./vpc/seed";
import type { Settings, World } from "./world";

export interface EmulatorOptions {
  /** Address to listen on. @default "127.0.0.1" */
  readonly host?: string;
  /** Port of the IAM, VPC and account APIs. @default 0, a free one */
  readonly port?: number;
  /** Port of the admin API. @default 0, a free one */
  readonly adminPort?: number;
  /** What the account holds at the start; ignored when a saved state is loaded. @default see {@link Seed} */
  readonly seed?: Seed;
  /** File that keeps the state: loaded at the start when it exists, written after every change. @default none */
  readonly stateFile?: string;
  /** What goes wrong from the start. @default nothing */
  readonly faults?: readonly Fault[];
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
  /** Serves a page on the admin port that shows the account, live; `host` must be a loopback address. @default false */
  readonly console?: boolean;
  /** Receives every journal entry as it is made. @default none */
  readonly log?: (entry: JournalEntry) => void;
}

export interface Emulator {
  /** Base URL of the IAM, VPC and account APIs. */
  readonly url: string;
  /** Base URL of the admin API. */
  readonly adminUrl: string;
  /** URL of the console's page, with the token that opens it; missing without `console`. */
  readonly consoleUrl?: string;
  /** API key of the account's owner. */
  readonly apiKey: string;
  /** Id of the account, 32 hexadecimal digits. */
  readonly accountId: string;
  /** Region of the account. */
  readonly region: string;
  /** The environment variables that point IBM's clients here. */
  readonly env: Readonly<Record<string, string>>;
  /** The root of all certificates, PEM. */
  readonly rootCertificate: string;
  /** What exists now, one list for each kind; deleted things are not in it. */
  inventory(): Inventory;
  /** What was asked of the emulator. */
  journal(): readonly JournalEntry[];
  /** Replaces the fault plan. */
  setFaults(faults: readonly Fault[]): void;
  /** Moves the clock forward. */
  advance(seconds: number): void;
  /** Brings the account back to how it was at the start. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

/** Requests that are being answered get this long when the emulator closes. */
const GRACE_MS = 500;

export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const host = options.host ?? "127.0.0.1";
  const problems = problemsOfSeed(options.seed);
  if (problems.length > 0) throw new SeedError(problems);
  if (options.console === true && !isLoopback(host)) {
    throw new Error(
      `The console can change the account and is for this machine only; host is "${host}", no loopback address.`,
    );
  }
  const file = options.stateFile === undefined ? undefined : new StateFile(options.stateFile, () => world.state);
  const saved = await file?.load();
  const state = saved ?? newState(options.seed ?? {}, await newKeys(), new Date().toISOString());
  const world: World = {
    state,
    clock: new EmulatorClock(() => world.state),
    keys: loadKeys(state.keys),
    settings: settingsOf(options),
    issuedLifetimes: options.seed?.issuedLifetimes ?? {},
    url: "",
  };
  const faults = new FaultPlan();
  faults.set(options.faults ?? []);
  const journal = new Journal((hash) => isKeyHash(world, hash), options.log);
  const settle = (): void => void settleVpc(world);
  const commit = async (): Promise<void> => {
    await endpoints.sync();
    await file?.save();
  };
  const onAnswer: Front["onAnswer"] = (answered) => console?.see(answered);
  const front: Front = { world, routes: new RouteTable(ROUTES), journal, faults, settle, commit, onAnswer };
  const instanceFront: Front = { ...front, routes: new RouteTable(INSTANCE_ROUTES) };
  const endpoints = new Endpoints(world, host, settle, (request, response, serverId) => {
    serve(instanceFront, request, response, serverId).catch(() => response.destroy());
  });
  const inventory = (): Inventory => {
    settle();
    return inventoryOf(world, (id) => endpoints.of(id));
  };
  const reset = async (): Promise<void> => {
    const { account, keys, authority, clockOffsetMs } = world.state;
    const seed = { accountId: account.id, region: account.region, apiKey: account.apiKey };
    world.state = { ...newState(seed, keys, world.clock.iso()), authority, clockOffsetMs };
    seedVpc(world, options.seed?.network);
    faults.set([]);
    journal.clear();
    await commit();
    console?.clear();
  };
  const server = createServer((request, response) => {
    serve(front, request, response).catch(() => response.destroy());
  });
  const administer = adminListener({ host, world, journal, faults, settle, inventory, reset });
  const admin = createServer((request, response) => {
    if (console?.isMeant(request) === true) void console.handle(request, response);
    else administer(request, response);
  });
  let console: Console | undefined;
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    console?.close();
    closing ??= Promise.all([stop(server), stop(admin)])
      .then(() => endpoints.close())
      .then(() => file?.save());
    return closing;
  };
  try {
    world.url = await listen(server, host, options.port ?? 0);
    const adminUrl = await listen(admin, host, options.adminPort ?? 0);
    if (saved === undefined) {
      world.state.authority = makeAuthority(world);
      seedVpc(world, options.seed?.network);
    }
    await commit();
    if (options.console === true) {
      console = new Console({ world, journal, faults, settle, inventory, readBody: readJson });
    }
    return {
      url: world.url,
      adminUrl,
      ...(console === undefined ? {} : { consoleUrl: `${adminUrl}${console.path}` }),
      apiKey: world.state.account.apiKey,
      accountId: world.state.account.id,
      region: world.state.account.region,
      env: environment(world),
      rootCertificate: world.state.authority.root,
      inventory,
      journal: () => journal.list(),
      setFaults: (list) => faults.set(list),
      advance: (seconds) => {
        world.clock.advance(seconds);
        settle();
      },
      reset,
      close,
    };
  } catch (error) {
    // A port that is taken must not leave the other listeners open.
    await Promise.all([stop(server), stop(admin), endpoints.close()]);
    throw error;
  }
}

function settingsOf(options: EmulatorOptions): Settings {
  return {
    provisionSeconds: options.provisionSeconds ?? 1,
    actionSeconds: options.actionSeconds ?? 0.5,
    deleteSeconds: options.deleteSeconds ?? 0.5,
    enforcementDelaySeconds: options.enforcementDelaySeconds ?? 0,
    readLagSeconds: options.readLagSeconds ?? 0,
    strictMetadataSwitch: options.strictMetadataSwitch ?? false,
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

/** Lets what is being answered finish, within reason. */
function stop(server: Server): Promise<void> {
  if (!server.listening) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), GRACE_MS);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
}

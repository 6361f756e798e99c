/**
 * Throughput, latency and memory of the emulator over many requests on loopback. The emulator has a process of its own,
 * and says itself how much memory and processor time it took.
 */
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { Pool } from "undici";
import { startEmulator, type Emulator } from "../../emulator";
import { mebibytes, print, readOptions, round } from "../bench/report";
import { Api, IDENTITY, textOf, VPC, type Json } from "./support";

interface Planned {
  readonly pool: Pool;
  readonly method: "GET" | "PUT" | "POST";
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** What the process of the emulator says when it is asked. */
interface Usage {
  readonly rssBytes: number;
  readonly cpuSeconds: number;
}

const CONNECTIONS = 32;
/** Requests before the measurement, for the compiler of the runtime. */
const WARM_UP = 5000;

/** The process of the emulator: says where it is, answers how it is doing, and ends with its parent. */
export async function serve(): Promise<void> {
  const emulator = await startEmulator({ provisionSeconds: 0 });
  const { url, adminUrl, apiKey, accountId } = emulator;
  process.send?.({ url, adminUrl, apiKey, accountId });
  process.on("message", () => {
    const { user, system } = process.cpuUsage();
    process.send?.({ rssBytes: process.memoryUsage.rss(), cpuSeconds: (user + system) / 1e6 } satisfies Usage);
  });
  await once(process, "disconnect");
  await emulator.close();
}

/** `file`: what starts {@link serve} when it is run as a child. */
export async function main(args: readonly string[], file: string): Promise<void> {
  const options = readOptions(args);
  const requests = options.quick ? 5000 : 50_000;
  const child = fork(file);
  const pools: Pool[] = [];
  try {
    const [emulator] = (await once(child, "message")) as [Emulator];
    const mix = await plan(emulator, pools);
    await flood(mix, WARM_UP);
    const before = await usageOf(child);
    const startedAt = performance.now();
    const latencies = (await flood(mix, requests)).sort((a, b) => a - b);
    const seconds = (performance.now() - startedAt) / 1000;
    const after = await usageOf(child);
    const at = (share: number): number => round(latencies[Math.floor(latencies.length * share)] ?? 0, 1);
    const rows: readonly (readonly [string, number | string])[] = [
      ["requests", requests],
      ["seconds", round(seconds, 1)],
      ["requests a second", round(requests / seconds, 0)],
      ["half of them within (ms)", at(0.5)],
      ["99 of 100 within (ms)", at(0.99)],
      ["memory (MiB)", mebibytes(after.rssBytes)],
      ["memory that was added (MiB)", mebibytes(after.rssBytes - before.rssBytes)],
      // Near 100 the emulator was the bottleneck, well below it the load or the machine was.
      [
        "processor time of the emulator (% of one)",
        Math.round(((after.cpuSeconds - before.cpuSeconds) / seconds) * 100),
      ],
    ];
    const title = `The emulator, asked by ${CONNECTIONS} connections at once.`;
    print(options, { tables: [{ title, columns: ["what", "seen"], rows }], goals: [] });
  } finally {
    await Promise.all(pools.map((pool) => pool.destroy()));
    if (child.connected) child.disconnect();
    if (child.exitCode === null) await once(child, "exit");
  }
}

async function usageOf(child: ChildProcess): Promise<Usage> {
  const answer = once(child, "message");
  child.send("usage");
  return ((await answer) as [Usage])[0];
}

/** What clients do all the time: read profiles, servers and links, look up roles, and get tokens on the server. */
async function plan(emulator: Emulator, pools: Pool[]): Promise<Planned[]> {
  const api = await new Api(emulator).logIn();
  const profile = await api.profile("bench");
  const id = await newServer(api, profile.id);
  const { instances } = (await api.admin("GET /_emulator/inventory")).body;
  const url = textOf((instances as unknown as Record<string, Json>[])[0]?.url);
  const [cloud, server] = [emulator.url, url].map((origin) => new Pool(origin, { connections: CONNECTIONS }));
  if (cloud === undefined || server === undefined) throw new Error("no pools");
  pools.push(cloud, server);
  const headers = { authorization: `Bearer ${api.token}` };
  const get = (path: string): Planned => ({ pool: cloud, method: "GET", path, headers });
  return [
    get(`/v1/profiles/${profile.id}`),
    get(`/v1/instances/${id}?${VPC}`),
    get(`/v1/profiles/${profile.id}/links`),
    get(`/v2/roles?service_name=is&account_id=${emulator.accountId}`),
    {
      pool: server,
      method: "PUT",
      path: `/identity/v1/token?${IDENTITY}`,
      headers: { "metadata-flavor": "ibm" },
      body: "{}",
    },
  ];
}

async function newServer(api: Api, profileId: string): Promise<string> {
  const { subnets, images } = (await api.admin("GET /_emulator/inventory")).body as unknown as Record<
    string,
    { id: string; zone: string }[]
  >;
  const { id } = await api.must(`POST /v1/instances?${VPC}`, {
    image: { id: images?.[0]?.id },
    zone: { name: subnets?.[0]?.zone },
    primary_network_attachment: { virtual_network_interface: { subnet: { id: subnets?.[0]?.id } } },
    metadata_service: { enabled: true },
    default_trusted_profile: { target: { id: profileId } },
  });
  return textOf(id);
}

/** Milliseconds of each request, with as many at a time as there are connections. */
async function flood(mix: readonly Planned[], count: number): Promise<number[]> {
  const latencies: number[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) {
      const planned = mix[index % mix.length];
      if (planned !== undefined) latencies.push(await exchange(planned));
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, worker));
  return latencies;
}

/** Milliseconds from the request to the end of its answer, which must be a good one. */
async function exchange({ pool, ...planned }: Planned): Promise<number> {
  const startedAt = performance.now();
  const { statusCode, body } = await pool.request(planned);
  await body.dump();
  if (statusCode !== 200) throw new Error(`${planned.method} ${planned.path}: ${statusCode}`);
  return performance.now() - startedAt;
}

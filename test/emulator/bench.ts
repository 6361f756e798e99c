/** Throughput, latency and memory of the emulator over many requests on loopback; client and emulator share a process. */
import { Agent, request } from "node:http";
import { parseArgs } from "node:util";
import { startEmulator } from "../../emulator";
import { Api, IDENTITY, VPC } from "./support";

interface Planned {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

const CONNECTIONS = 32;

export async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: { requests: { type: "string", default: "50000" }, json: { type: "boolean", default: false } },
  });
  const requests = Number(values.requests);
  const emulator = await startEmulator({ provisionSeconds: 0 });
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  try {
    const api = await new Api(emulator).logIn();
    const profile = await api.profile("bench");
    const server = await api.server({ default_trusted_profile: { target: { id: profile.id } } });
    const headers = { Authorization: `Bearer ${api.token}` };
    const mix: Planned[] = [
      { method: "GET", url: `${emulator.url}/v1/profiles/${profile.id}`, headers },
      { method: "GET", url: `${emulator.url}/v1/instances/${server.id}?${VPC}`, headers },
      { method: "GET", url: `${emulator.url}/v1/profiles/${profile.id}/links`, headers },
      { method: "GET", url: `${emulator.url}/v2/roles?service_name=is&account_id=${emulator.accountId}`, headers },
      {
        method: "PUT",
        url: `${server.url}/identity/v1/token?${IDENTITY}`,
        headers: { "Metadata-Flavor": "ibm" },
        body: "{}",
      },
    ];
    const startedAt = performance.now();
    const latencies = await flood(mix, requests, agent);
    const seconds = (performance.now() - startedAt) / 1000;
    latencies.sort((a, b) => a - b);
    const at = (share: number): number => Math.round((latencies[Math.floor(latencies.length * share)] ?? 0) * 10) / 10;
    const result = {
      requests,
      seconds: Math.round(seconds * 10) / 10,
      requestsPerSecond: Math.round(requests / seconds),
      p50Ms: at(0.5),
      p99Ms: at(0.99),
      rssMiB: Math.round(process.memoryUsage.rss() / 1_048_576),
    };
    process.stdout.write(
      values.json
        ? `${JSON.stringify(result)}\n`
        : `${Object.entries(result)
            .map(([name, value]) => `${name} ${value}`)
            .join(", ")}\n`,
    );
  } finally {
    agent.destroy();
    await emulator.close();
  }
}

async function flood(mix: readonly Planned[], count: number, agent: Agent): Promise<number[]> {
  const latencies: number[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) {
      const planned = mix[index % mix.length];
      if (planned !== undefined) latencies.push(await exchange(planned, agent));
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, worker));
  return latencies;
}

/** Milliseconds from the request to the end of its answer, which must be a good one. */
function exchange({ method, url, headers, body }: Planned, agent: Agent): Promise<number> {
  const startedAt = performance.now();
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method, headers, agent }, (response) => {
      response.resume();
      response.on("end", () => {
        if (response.statusCode === 200) resolve(performance.now() - startedAt);
        else reject(new Error(`${method} ${url}: ${response.statusCode ?? 0}`));
      });
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

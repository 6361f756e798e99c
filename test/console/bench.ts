/**
 * How smooth the console's page stays: 200 servers, 50 calls a second, and every view looked at meanwhile. Frames are
 * measured by the page itself, with the performance API. Emulator, load and browser are on one machine.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import type { Page } from "playwright-core";
import { startEmulator, type Emulator } from "../../emulator";
import { Api, IDENTITY, textOf, VPC } from "../emulator/support";
import { print, readOptions, round, type Report } from "../bench/report";
import { hasChromium, launch } from "./chromium";

const SERVERS = 200;
const CALLS_PER_SECOND = 50;
const VIEWS = ["Map", "Timeline", "Servers", "Faults & time", "Why"] as const;

/** The process of the emulator; ends with its parent. */
export async function serve(): Promise<void> {
  const emulator = await startEmulator({ console: true, provisionSeconds: 0 });
  const { url, adminUrl, consoleUrl, apiKey, accountId } = emulator;
  process.send?.({ url, adminUrl, consoleUrl, apiKey, accountId });
  await once(process, "disconnect");
  await emulator.close();
}

/** `file`: what starts {@link serve} when it is run as a child. */
export async function main(args: readonly string[], file: string): Promise<void> {
  const options = readOptions(args);
  print(options, hasChromium ? await measure(file, options.quick) : NO_BROWSER);
}

const NO_BROWSER: Report = { tables: [{ title: "Skipped: there is no Chromium", columns: [], rows: [] }], goals: [] };

async function measure(file: string, quick: boolean): Promise<Report> {
  const child = fork(file);
  const browser = await launch();
  try {
    const [emulator] = (await once(child, "message")) as [Emulator];
    const api = await new Api(emulator).logIn();
    const servers = await makeServers(api);
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    const openedAt = performance.now();
    await page.goto(emulator.consoleUrl ?? "");
    await page
      .getByRole("button", { name: /^Server server-/ })
      .first()
      .waitFor({ timeout: 30_000 });
    const drawnMs = performance.now() - openedAt;
    await page.evaluate(MEASURE);
    const load = new Load(api, servers);
    const seen: Smoothness[] = [];
    for (const view of VIEWS) {
      await page.getByRole("link", { name: view }).click();
      await sleep(quick ? 300 : 2000);
      seen.push(await smoothness(page, view));
    }
    await page.getByRole("link", { name: "Map" }).click();
    for (let count = 0; count < (quick ? 1 : 6); count += 1) {
      await makeServer(api, `late-${count}`, servers.profile);
      await sleep(400);
    }
    seen.push(await smoothness(page, "Map, with new servers"));
    return report(seen, await load.end(), drawnMs);
  } finally {
    await browser.close();
    child.disconnect();
    if (child.exitCode === null) await once(child, "exit");
  }
}

/** Frames and long tasks as the browser has counted them, in milliseconds. */
interface Smoothness {
  readonly view: string;
  readonly frames: readonly number[];
  readonly tasks: readonly number[];
}

/** From frame to frame, and what kept the page from answering for more than 50 ms. */
const MEASURE = `{
  window.measured = { frames: [], tasks: [] };
  let last = performance.now();
  const next = (now) => { window.measured.frames.push(now - last); last = now; requestAnimationFrame(next); };
  requestAnimationFrame((now) => { last = now; requestAnimationFrame(next); });
  new PerformanceObserver((list) => window.measured.tasks.push(...list.getEntries().map((entry) => entry.duration)))
    .observe({ entryTypes: ["longtask"] });
}`;

/** What has been measured since this was last asked. */
async function smoothness(page: Page, view: string): Promise<Smoothness> {
  const taken = "((taken) => (window.measured = { frames: [], tasks: [] }, taken))(window.measured)";
  return { view, ...(await page.evaluate<Omit<Smoothness, "view">>(taken)) };
}

function report(seen: readonly Smoothness[], callsPerSecond: number, drawnMs: number): Report {
  const all = seen.flatMap(({ frames }) => frames);
  return {
    tables: [
      {
        title: `Console: ${SERVERS} servers, ${round(callsPerSecond, 0)} calls a second, first drawing after ${round(drawnMs, 0)} ms`,
        columns: ["view", "frames", "median ms", "99 % ms", "longest ms", "longest task ms"],
        rows: seen.map(({ view, frames, tasks }) => [
          view,
          frames.length,
          ...[0.5, 0.99, 1].map((share) => round(quantile(frames, share), 1)),
          round(Math.max(0, ...tasks), 0),
        ]),
      },
    ],
    goals: [{ goal: "the longest frame of the console's page", seen: Math.max(0, ...all), limit: 100, unit: "ms" }],
  };
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

interface Servers {
  readonly profile: string;
  readonly urls: readonly string[];
}

async function makeServers(api: Api): Promise<Servers> {
  const { id, iamId } = await api.profile("fleet");
  await api.policy(iamId);
  for (let count = 0; count < SERVERS; count += 1) await makeServer(api, `server-${count + 1}`, id);
  const { instances } = (await api.admin("GET /_emulator/inventory")).body;
  return { profile: id, urls: (instances as unknown as { url: string }[]).map(({ url }) => url) };
}

let place: { zone: string; subnet: string; image: string } | undefined;

async function makeServer(api: Api, name: string, profile: string): Promise<string> {
  if (place === undefined) {
    const { body } = await api.admin("GET /_emulator/inventory");
    const { subnets, images } = body as unknown as Record<string, { id: string; zone: string }[]>;
    place = { zone: subnets?.[0]?.zone ?? "", subnet: subnets?.[0]?.id ?? "", image: images?.[0]?.id ?? "" };
  }
  const { id } = await api.must(`POST /v1/instances?${VPC}`, {
    name,
    image: { id: place.image },
    zone: { name: place.zone },
    primary_network_attachment: { virtual_network_interface: { subnet: { id: place.subnet } } },
    metadata_service: { enabled: true },
    default_trusted_profile: { target: { id: profile } },
  });
  return textOf(id);
}

/** Calls at an even pace: tokens of all servers in turn, and reads of the account. */
class Load {
  private count = 0;
  private readonly startedAt = performance.now();
  private readonly pending = new Set<Promise<unknown>>();
  private readonly timer: NodeJS.Timeout;

  constructor(api: Api, { urls, profile }: Servers) {
    const call = (index: number): Promise<unknown> => {
      const url = urls[index % urls.length] ?? "";
      if (index % 5 === 0) return api.send(`GET /v1/profiles/${profile}`);
      if (index % 5 === 1) return api.send(`GET /v1/instances?${VPC}&limit=10`);
      return api.send(
        `PUT ${url}/identity/v1/token?${IDENTITY}`,
        {},
        { token: null, headers: { "Metadata-Flavor": "ibm" } },
      );
    };
    this.timer = setInterval(() => {
      const due = ((performance.now() - this.startedAt) / 1000) * CALLS_PER_SECOND;
      while (this.count < due) {
        const sent: Promise<unknown> = call((this.count += 1)).finally(() => this.pending.delete(sent));
        this.pending.add(sent);
      }
    }, 10);
  }

  /** Ends it; how many calls there were a second. */
  async end(): Promise<number> {
    clearInterval(this.timer);
    const perSecond = this.count / ((performance.now() - this.startedAt) / 1000);
    await Promise.all(this.pending);
    return perSecond;
  }
}

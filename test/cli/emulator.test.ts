/** The command `vpc-identity emulator` as it is built: what it prints, what it refuses, how it ends. */
import { execFileSync, spawn, spawnSync, type ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Api, textOf, VPC, type Json } from "../emulator/support";
import type { Emulator } from "../../emulator";
import { CLI } from "../support/project";

interface Started {
  readonly child: ChildProcess;
  /** Everything printed until the emulator was ready. */
  readonly output: string;
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

interface Ready {
  readonly url: string;
  readonly adminUrl: string;
  readonly apiKey: string;
  readonly accountId: string;
  readonly pid: number;
}

let folder: string;
/** Where the emulators of a test put their sockets. */
let temporary: string;
const children: ChildProcess[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "cli-emulator-"));
  temporary = join(folder, "t");
  mkdirSync(temporary);
});

afterEach(() => {
  for (const child of children.splice(0)) if (child.exitCode === null) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

const environment = (): NodeJS.ProcessEnv => ({ PATH: process.env.PATH, TMPDIR: temporary });

/** Starts the command and waits for its first output. */
async function start(...args: string[]): Promise<Started> {
  const child = spawn(process.execPath, [CLI, "emulator", ...args], {
    env: environment(),
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.on("exit", (code, signal) => resolve({ code, signal }));
  });
  const output = await new Promise<string>((resolve, reject) => {
    child.stdout.setEncoding("utf8").once("data", resolve);
    child.once("exit", (code) => reject(new Error(`it ended with ${code ?? "a signal"} before it was ready`)));
  });
  return { child, output, ended };
}

async function startJson(
  ...args: string[]
): Promise<Started & { ready: Ready; api: Api; inventory: () => Promise<Json> }> {
  const started = await start("--json", ...args);
  const ready = JSON.parse(started.output) as Ready;
  // The client of the tests needs no more of an emulator than its addresses.
  const api = await new Api(ready as unknown as Emulator).logIn();
  return { ...started, ready, api, inventory: async () => (await api.admin("GET /_emulator/inventory")).body };
}

const refused = (...args: string[]): { status: number | null; stderr: string } =>
  spawnSync(process.execPath, [CLI, "emulator", ...args], { encoding: "utf8", env: environment(), timeout: 30_000 });

function file(name: string, content: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}

it("says where it is as JSON, answers there, and ends in order when it is told to", async () => {
  const { child, ready, output, ended } = await startJson();
  expect(Object.keys(ready)).toEqual(["url", "adminUrl", "apiKey", "accountId", "pid"]);
  expect([ready.pid, output.split("\n").length]).toEqual([child.pid, 2]);
  expect(readdirSync(temporary)).toHaveLength(1);
  child.kill("SIGTERM");
  expect(await ended).toEqual({ code: 0, signal: null });
  expect(readdirSync(temporary)).toEqual([]);
});

it("prints variables that a shell takes over", async () => {
  const { child, output, ended } = await start("--env");
  const script = `eval "$1"; curl -sS -m 10 -d grant_type=urn:ibm:params:oauth:grant-type:apikey \
    --data-urlencode "apikey=$IBMCLOUD_API_KEY" "$IBMCLOUD_IAM_API_ENDPOINT/identity/token"`;
  const answer = execFileSync("sh", ["-c", script, "sh", output], { encoding: "utf8" });
  expect(JSON.parse(answer)).toMatchObject({ token_type: "Bearer" });
  child.kill("SIGINT");
  expect(await ended).toEqual({ code: 0, signal: null });
});

it("listens on the ports it is told, and says which of them is taken", async () => {
  const { ready } = await startJson();
  const port = new URL(ready.url).port;
  for (const flag of ["--port", "--admin-port"]) {
    const { status, stderr } = refused(flag, port);
    expect([status, stderr]).toEqual([1, expect.stringMatching(new RegExp(`^error: .*EADDRINUSE.*:${port}\n$`))]);
  }
});

it("keeps the account in a file", async () => {
  const state = join(folder, "state.json");
  const first = await startJson("--state", state);
  const { id } = await first.api.profile("kept");
  first.child.kill("SIGTERM");
  await first.ended;
  const second = await startJson("--state", state);
  expect(second.ready.apiKey).toBe(first.ready.apiKey);
  expect((await second.api.must(`GET /v1/profiles/${id}`)).name).toBe("kept");
});

it("begins with what a seed says", async () => {
  const publicKey = `ssh-ed25519 ${Buffer.concat([
    Buffer.from([0, 0, 0, 11]),
    Buffer.from("ssh-ed25519"),
    Buffer.from([0, 0, 0, 32]),
    Buffer.alloc(32, 7),
  ]).toString("base64")}`;
  const apiKey = "k".repeat(44);
  const seed = {
    region: "eu-de",
    apiKey,
    issuedLifetimes: { iamToken: 5 },
    network: {
      vpcs: [{ name: "main" }, { name: "other" }],
      subnets: [
        { name: "free", vpc: "main", zone: "eu-de-1", addresses: 64 },
        { name: "given", vpc: "main", zone: "eu-de-1", cidr: "10.240.0.0/24" },
        { name: "far", vpc: "main", zone: "eu-de-2", cidr: "192.168.4.0/22" },
        { name: "given", vpc: "other", zone: "eu-de-3" },
      ],
      keys: [{ name: "mine", publicKey }],
    },
  };
  const { ready, inventory } = await startJson("--seed", file("seed.json", seed));
  expect(ready.apiKey).toBe(apiKey);
  const found = await inventory();
  const rows = (kind: string): Record<string, unknown>[] => found[kind] as unknown as Record<string, unknown>[];
  expect(rows("vpcs").map((row) => row.name)).toEqual(["main", "other"]);
  expect(
    rows("subnets")
      .map((row) => [row.name, row.zone, row.ipv4_cidr_block])
      .sort(),
  ).toEqual([
    ["far", "eu-de-2", "192.168.4.0/22"],
    ["free", "eu-de-1", "10.240.1.0/26"],
    ["given", "eu-de-1", "10.240.0.0/24"],
    ["given", "eu-de-3", "10.240.128.0/24"],
  ]);
  expect(rows("keys").map((row) => row.name)).toEqual(["mine"]);
  expect(rows("images").length).toBeGreaterThan(1);
});

it("begins without any network when asked to, and a server can be made from nothing", async () => {
  const { inventory, api } = await startJson("--seed", file("empty.json", { network: false }));
  const empty = await inventory();
  expect([empty.vpcs, empty.subnets, empty.keys, empty.securityGroups]).toEqual([[], [], [], []]);
  const vpc = await api.must(`POST /v1/vpcs?${VPC}`, { name: "my-vpc" });
  const subnet = await api.must(`POST /v1/subnets?${VPC}`, {
    name: "my-subnet",
    vpc: { id: vpc.id },
    zone: { name: "us-south-1" },
    total_ipv4_address_count: 256,
  });
  const images = (await api.must(`GET /v1/images?${VPC}&visibility=public`)).images as unknown as { id: string }[];
  const instance = await api.must(`POST /v1/instances?${VPC}`, {
    image: { id: images[0]?.id },
    zone: { name: "us-south-1" },
    primary_network_attachment: { virtual_network_interface: { subnet: { id: subnet.id } } },
  });
  expect(textOf(instance.status)).toBe("pending");
});

describe("a wrong call is answered with everything that is wrong, and exit code 2", () => {
  it.each<[string, () => string[], string[]]>([
    [
      "flags",
      () => [
        "--port",
        "70000",
        "--admin-port",
        "x",
        "--state",
        "/nowhere/state.json",
        "--seed",
        "/nowhere",
        "--env",
        "--json",
      ],
      [
        '--port is "70000"; allowed: a whole number from 0 to 65535',
        '--admin-port is "x"; allowed: a whole number from 0 to 65535',
        '--state is "/nowhere/state.json"; its folder does not exist',
        '--seed "/nowhere" cannot be read: ENOENT',
        "--env and --json exclude each other",
      ],
    ],
    ["two equal ports", () => ["--port", "4000", "--admin-port", "4000"], ["both 4000; they must differ"]],
    ["a folder for the state", () => ["--state", folder], ["that is a folder, and a file is needed"]],
    ["a seed that is no JSON", () => ["--seed", file("seed", "{apiKey: secret}")], ["is not valid JSON"]],
    ["a seed that is no object", () => ["--seed", file("seed", [])], ["seed is []; must be an object"]],
    [
      "a seed",
      () => [
        "--seed",
        file("seed", { accountId: "abc", region: "moon", apiKey: "secret", acount: 1, network: { vpcs: 1 } }),
      ],
      [
        "seed.acount is unknown; allowed: accountId, region, apiKey, issuedLifetimes, network",
        'seed.accountId is "abc"; must be 32 hex digits',
        'seed.region is "moon"; must be one of au-syd',
        "seed.apiKey must have at least 32 characters",
        "seed.network.vpcs is 1; must be an array",
      ],
    ],
    [
      "a seed's network without room",
      () => {
        const subnet = { name: "big", vpc: "emulator-vpc", zone: "us-south-1", addresses: 32_768 };
        return ["--seed", file("seed", { network: { subnets: [subnet] } })];
      },
      ["seed.network.subnets: zone us-south-1 has no room for 'big'"],
    ],
  ])("%s", (_name, args, messages) => {
    const { status, stderr } = refused(...args());
    expect(status).toBe(2);
    for (const message of messages) expect(stderr).toContain(message);
    expect(stderr).not.toContain("secret");
  });

  it("but a state that is none is a failure, and is left alone", () => {
    const { status, stderr } = refused("--state", file("state.json", {}));
    expect([status, stderr]).toEqual([1, expect.stringContaining("is no emulator state of format 1; remove the file")]);
  });
});

it("removes what a killed emulator left behind, and nothing else", async () => {
  const killed = await startJson();
  killed.child.kill("SIGKILL");
  await killed.ended;
  const left = readdirSync(temporary);
  expect(left).toHaveLength(1);
  const [stale = ""] = left;
  const living = await start();
  const own = readdirSync(temporary);
  expect(own).toHaveLength(1);
  expect(own).not.toContain(stale);
  // Another prefix, and the process of another container, whose number says nothing here.
  const foreign = [stale.replace("vpcid-", "other-"), stale.replace(/-\d+-/, "-1-")];
  for (const name of foreign) mkdirSync(join(temporary, name));
  const second = await start();
  expect(readdirSync(temporary).filter((name) => [...own, ...foreign].includes(name))).toHaveLength(3);
  living.child.kill("SIGTERM");
  second.child.kill("SIGTERM");
  await Promise.all([living.ended, second.ended]);
  expect(existsSync(join(temporary, own[0] ?? ""))).toBe(false);
});

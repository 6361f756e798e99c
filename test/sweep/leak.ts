/**
 * Leak hunt: a marked secret in every place where one can be, the whole life of a stack with failures in it and the debug log
 * on, and then a search of everything that is left behind or could be seen meanwhile. In each place a marker that was put
 * there on purpose shows that the search finds what there is.
 */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startEmulator } from "../../emulator";
import { ProcessWatch } from "../support/process-watch";
import { CLI, ENGINE, Project, type Run } from "../support/project";
import { filesBelow, MARKER, secretsIn } from "../support/secrets";
import { WAYS, type Way } from "./leak-ways";
import { placeOn } from "./race-program";
import type { SweepOptions, SweepResult } from "./sweep";
import { shuffled, Tally } from "./tally";

const NAME = "leaks";

const PLACES = [
  "the state, its history and backups",
  "the project",
  "what was printed",
  "the journal",
  "temporary files",
  "arguments and environments of processes",
] as const;
type Place = (typeof PLACES)[number];

/** Secrets of the program, by what they are; each is a text that stands nowhere else. */
const marked = (): Readonly<Record<string, string>> =>
  Object.fromEntries(
    ["password", "userData", "keyValue", "passphrase"].map((name) => [
      name,
      `leak${name}${randomBytes(12).toString("hex")}`,
    ]),
  );

const PROGRAM = `
  const pulumi = require("@pulumi/pulumi");
  const vpc = require("pulumi-ibm-vpc-identity");
  const config = new pulumi.Config();
  const place = JSON.parse(require("node:fs").readFileSync("place.json", "utf8"));
  const profile = new vpc.TrustedProfile("app", { description: config.get("text") });
  new vpc.AccessPolicy("access", { profileId: profile.id, roles: [config.get("role")], service: "is" });
  const service = new vpc.ServiceId("service");
  const own = new vpc.ApiKey("own", { serviceId: service.id, value: config.requireSecret("keyValue") });
  const made = new vpc.ApiKey("made", { serviceId: service.id });
  new vpc.Instance("server", {
    ...place,
    userData: config.requireSecret("userData").apply((text) => "#!/bin/sh\\necho " + text + "\\n"),
    metadataService: { enabled: true },
    defaultTrustedProfile: { target: profile.id, autoLink: true },
  });
  exports.password = config.requireSecret("password");
  exports.made = made.value;
  exports.own = own.value;
  if (config.get("fail") === "yes") throw new Error("the program fails on purpose");
`;

export async function sweep(options: SweepOptions): Promise<SweepResult> {
  const all = Object.entries(WAYS);
  const ways = options.sample ? shuffled(all, options.seed).slice(0, 1) : all;
  const expected = ways.length * (PLACES.length + 1);
  const tally = new Tally(NAME, options, { calls: PLACES.length, faults: all.length, expected });
  for (const [name, way] of ways) {
    if (tally.stopped) break;
    let places: Readonly<Record<Place, readonly string[]>> | undefined;
    await tally.try(`${name}: the life of a stack`, async () => {
      const lived = await live(way);
      places = lived.found;
      return lived.problems;
    });
    for (const place of PLACES) {
      const found = places?.[place] ?? ["not searched"];
      const leaked = found.filter((what) => what !== "marker");
      const blind = found.includes("marker") ? [] : ["the marker that was put there is not found"];
      tally.case(`${name}: ${place}`, [...leaked.map((what) => `holds ${what}`), ...blind]);
    }
  }
  return tally.result;
}

async function live(way: Way): Promise<{ problems: string[]; found: Readonly<Record<Place, readonly string[]>> }> {
  const emulator = await startEmulator({ provisionSeconds: 0, deleteSeconds: 0, actionSeconds: 0 });
  const project = Project.ofProgram("", {
    ...Object.fromEntries(Object.entries(emulator.env).filter(([name]) => name !== "IBMCLOUD_API_KEY")),
    VPC_IDENTITY_LOG: "debug",
  });
  // Where the secrets are on purpose, which is not searched.
  const vault = join(project.folder, "vault");
  const temporary = join(project.folder, "tmp");
  for (const folder of [vault, temporary]) mkdirSync(folder);
  const watch = new ProcessWatch();
  const files = new FileWatch(temporary);
  const planted = spawn("sleep", ["600"], { argv0: MARKER, env: { PLANTED: MARKER } });
  try {
    const secrets = marked();
    const left = await way(emulator, vault);
    writeFileSync(join(project.cwd, "package.json"), '{ "name": "leaks", "main": "index.js" }\n');
    writeFileSync(join(project.cwd, "index.js"), PROGRAM);
    writeFileSync(join(project.cwd, "place.json"), JSON.stringify(placeOn(emulator)));
    const passphrase = join(vault, "passphrase");
    writeFileSync(passphrase, secrets.passphrase ?? "", { mode: 0o600 });
    delete project.env.PULUMI_CONFIG_PASSPHRASE;
    project.env = { ...project.env, ...left.env, PULUMI_CONFIG_PASSPHRASE_FILE: passphrase, TMPDIR: temporary };

    const printed: string[] = [];
    const problems: string[] = [];
    const run = async (
      expected: "good" | "bad",
      command: string,
      args: readonly string[],
      input = "",
    ): Promise<Run> => {
      const ran = await project.start(command, args, input).done;
      // What a program asks for with --show-secrets is not a leak.
      if (!args.includes("--show-secrets")) printed.push(ran.output);
      const good = ran.exitCode === 0;
      if (good !== (expected === "good"))
        problems.push(`${args.join(" ")} ended with ${String(ran.exitCode)}: ${ran.output}`);
      return ran;
    };
    const engine = (expected: "good" | "bad", ...args: string[]): Promise<Run> =>
      run(expected, ENGINE, [...args, "--stack", "dev", "--non-interactive"]);
    const cli = (expected: "good" | "bad", ...args: string[]): Promise<Run> =>
      run(expected, process.execPath, [CLI, ...args, "--engine", "embedded"]);

    await run("good", ENGINE, ["stack", "init", "dev", "--no-select"]);
    const ofProgram = Object.entries(secrets).filter(([name]) => name !== "passphrase");
    for (const [key, value] of [...ofProgram, ...Object.entries(left.secrets ?? {})])
      await run("good", ENGINE, ["config", "set", "--stack", "dev", "--secret", key], `${value}\n`);
    const configure = async (values: Readonly<Record<string, string>>): Promise<void> => {
      const pairs = Object.entries(values).flatMap(([key, value]) => ["--plaintext", `${key}=${value}`]);
      await run("good", ENGINE, ["config", "set-all", "--stack", "dev", ...pairs]);
    };
    await configure({ ...left.config, text: "first", role: "Viewer" });

    emulator.setFaults([{ method: "POST", path: "/v2/policies", status: 403 }]);
    await cli("bad", "up", "--yes");
    await cli("good", "up", "--yes");
    const { stdout } = await run("good", ENGINE, ["stack", "output", "--json", "--show-secrets", "--stack", "dev"]);
    const generated = (JSON.parse(stdout || "{}") as { made?: string }).made;
    await configure({ text: "second", role: "Operator" });
    emulator.setFaults([{ method: "PUT", path: "/v1/profiles/*", status: 400 }]);
    await engine("bad", "up", "--yes", "--skip-preview");
    await cli("good", "refresh", "--yes");
    await configure({ fail: "yes" });
    await engine("bad", "up", "--yes", "--skip-preview");
    await configure({ fail: "no" });
    await engine("good", "up", "--yes", "--skip-preview", "--json");
    await project.cli("doctor", "--engine", "embedded").then(({ output }) => printed.push(output));
    emulator.setFaults([{ method: "DELETE", path: "/v1/instances/*", status: 403 }]);
    await engine("bad", "destroy", "--yes", "--skip-preview");
    await engine("good", "stack", "output");
    await cli("good", "destroy", "--yes");
    if (generated === undefined) problems.push("no key was made");

    for (const folder of [join(project.folder, "state"), project.cwd]) writeFileSync(join(folder, "planted"), MARKER);
    writeFileSync(join(temporary, "planted"), MARKER);
    await run("bad", ENGINE, ["stack", "output", "--stack", MARKER]);
    await fetch(`${emulator.url}/v1/instances?name=${MARKER}`);
    planted.kill();
    watch.stop();
    files.stop();
    const hidden = { ...secrets, ...(generated === undefined ? {} : { generated }), ...left.hidden };
    const texts: Readonly<Record<Place, string>> = {
      "the state, its history and backups": filesBelow(join(project.folder, "state")),
      "the project": filesBelow(project.cwd),
      "what was printed": printed.join("\n"),
      "the journal": JSON.stringify(emulator.journal()),
      "temporary files": files.text,
      "arguments and environments of processes": watch.text,
    };
    const search = (place: Place): string[] => {
      const text = texts[place];
      const shapes = secretsIn(text, emulator.apiKey);
      const own = Object.entries(hidden).filter(([, value]) => text.includes(value));
      // Other programs of this machine have tokens and keys of their own.
      const foreign = place === "arguments and environments of processes" ? ["token", "private key"] : [];
      return [...shapes.filter((shape) => !foreign.includes(shape)), ...own.map(([name]) => `secret ${name}`)];
    };
    const found = Object.fromEntries(PLACES.map((place) => [place, search(place)])) as Record<Place, string[]>;
    return { problems, found };
  } finally {
    planted.kill();
    watch.stop();
    files.stop();
    await emulator.close();
    project.remove();
  }
}

/** Reads every file that is in a folder for a moment, over and over. */
class FileWatch {
  readonly #seen = new Map<string, string>();
  readonly #timer: NodeJS.Timeout;

  constructor(private readonly folder: string) {
    this.#timer = setInterval(() => this.#look(), 20);
  }

  get text(): string {
    return [...this.#seen.values()].join("\n");
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#look();
  }

  #look(): void {
    try {
      for (const entry of readdirSync(this.folder, { recursive: true, withFileTypes: true, encoding: "utf8" })) {
        const path = join(entry.parentPath, entry.name);
        if (entry.isFile()) this.#seen.set(path, `${path}\n${readFileSync(path, "utf8")}`);
      }
    } catch {
      // Something has gone since.
    }
  }
}

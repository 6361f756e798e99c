/**
 * Leak hunt: a marked secret in every place where one can be, the whole life of a stack with failures in it and the debug log
 * on, and then a search of everything that is left behind or could be seen meanwhile. In each place a marker that was put
 * there on purpose shows that the search finds what there is.
 */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Emulator, startEmulator } from "../../emulator";
import { Api } from "../emulator/support";
import { ProcessWatch } from "../support/process-watch";
import { CLI, ENGINE, Project, type Run } from "../support/project";
import { filesBelow, MARKER, secretsIn, TOKEN } from "../support/secrets";
import { WAYS, type Way } from "./leak-ways";
import { placeOn } from "./race-program";
import type { SweepOptions, SweepResult } from "./sweep";
import { shuffled, Tally } from "./tally";

const NAME = "leaks";

const OF_PROCESSES = "arguments and environments of processes";

const PLACES = [
  "the state, its history and backups",
  "the project",
  "event logs",
  "home folders",
  "what was printed",
  "the journal",
  "temporary files",
  OF_PROCESSES,
] as const;
type Place = (typeof PLACES)[number];

/** Secrets of the program, in one value of the stack's config; each is a text that stands nowhere else. */
const MARKED = [
  "password",
  "keyValue",
  "refusedKey",
  "userData",
  "templateUserData",
  "metalUserData",
  "plainPart",
  "encodedPart",
] as const;

const secretText = (name: string): string => `leak${name}${randomBytes(12).toString("hex")}`;

const PROGRAM = `
  const pulumi = require("@pulumi/pulumi");
  const vpc = require("pulumi-ibm-vpc-identity");
  const config = new pulumi.Config();
  const { place, metal } = JSON.parse(require("node:fs").readFileSync("place.json", "utf8"));
  const secret = (key) => config.requireSecretObject("marked").apply((marked) => marked[key]);
  const script = (key, more = "") => secret(key).apply((text) => "#!/bin/sh\\necho " + text + more + "\\n");
  const profile = new vpc.TrustedProfile("app", { description: config.get("text") });
  new vpc.AccessPolicy("access", { profileId: profile.id, roles: [config.get("role")], service: "is" });
  const service = new vpc.ServiceId("service");
  const own = new vpc.ApiKey("own", { serviceId: service.id, value: secret("keyValue") });
  const made = new vpc.ApiKey("made", { serviceId: service.id });
  new vpc.Instance("server", {
    ...place,
    userData: script("userData"),
    metadataService: { enabled: true },
    defaultTrustedProfile: { target: profile.id, autoLink: true },
  });
  new vpc.InstanceTemplate("template", { ...place, userData: script("templateUserData") });
  new vpc.BareMetalServer("metal", {
    ...metal,
    initialization: { ...metal.initialization, userData: script("metalUserData") },
  });
  // What is not ASCII is packed in base64.
  new vpc.LinkedInstance("linked", {
    ...place,
    trustedProfile: { id: profile.id },
    userDataForm: { merge: [script("plainPart"), script("encodedPart", " \u00fc")] },
  });
  exports.password = secret("password");
  exports.made = made.value;
  exports.own = own.value;
  if (config.get("fail") === "yes")
    exports.caller = secret("refusedKey").apply((apiKey) => vpc.getCallerIdentity({ settings: { apiKey } }));
`;

/** Where the program's servers are to be. */
function placesOn(emulator: Emulator): Record<string, unknown> {
  const place = placeOn(emulator);
  const { subnetId, zone, imageId } = place;
  const initialization = { imageId, sshKeyIds: emulator.inventory().keys.map(({ id }) => id) };
  return { place, metal: { subnetId, zone, bareMetalServerProfile: "bx2-metal-96x384", initialization } };
}

export async function sweep(options: SweepOptions): Promise<SweepResult> {
  const all = Object.entries(WAYS);
  const ways = options.sample ? shuffled(all, options.seed).slice(0, 1) : all;
  // Each place, and that the life went as planned.
  const calls = PLACES.length + 1;
  const tally = new Tally(NAME, options, { calls, faults: all.length, expected: ways.length * calls });
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
  const folder = (name: string): string => join(project.folder, name);
  const [vault, temporary, events] = [folder("vault"), folder("tmp"), folder("events")];
  for (const path of [vault, temporary, events, folder("home"), folder("user")]) mkdirSync(path);
  const watch = new ProcessWatch();
  const files = new FileWatch(temporary);
  const api = await new Api(emulator).logIn();
  const planted = spawn("sleep", ["600"], { argv0: MARKER, env: { PLANTED: MARKER, TOKEN: api.token } });
  const plantedFile = join(temporary, "planted");
  writeFileSync(plantedFile, MARKER);
  try {
    const marked = Object.fromEntries(MARKED.map((name) => [name, secretText(name)]));
    const left = await way(emulator, vault);
    writeFileSync(join(project.cwd, "package.json"), '{ "name": "leaks", "main": "index.js" }\n');
    writeFileSync(join(project.cwd, "index.js"), PROGRAM);
    writeFileSync(join(project.cwd, "place.json"), JSON.stringify(placesOn(emulator)));
    const [passphrase, passphraseFile] = [secretText("passphrase"), join(vault, "passphrase")];
    writeFileSync(passphraseFile, passphrase, { mode: 0o600 });
    delete project.env.PULUMI_CONFIG_PASSPHRASE;
    const env = { HOME: folder("user"), TMPDIR: temporary, PULUMI_CONFIG_PASSPHRASE_FILE: passphraseFile };
    project.env = { ...project.env, ...left.env, ...env };

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
    const engine = (expected: "good" | "bad", command: string, ...flags: string[]): Promise<Run> => {
      const log = join(events, `${String(printed.length)}.jsonl`);
      const args = [command, "--yes", "--skip-preview", ...flags, "--event-log", log];
      return run(expected, ENGINE, [...args, "--stack", "dev", "--non-interactive"]);
    };
    const cli = (expected: "good" | "bad", ...args: string[]): Promise<Run> =>
      run(expected, process.execPath, [CLI, ...args, "--engine", "embedded"]);

    await run("good", ENGINE, ["stack", "init", "dev", "--no-select"]);
    for (const [key, value] of Object.entries({ marked: JSON.stringify(marked), ...left.secrets }))
      await run("good", ENGINE, ["config", "set", "--stack", "dev", "--secret", key], `${value}\n`);
    const configure = async (values: Readonly<Record<string, string>>): Promise<void> => {
      const pairs = Object.entries(values).flatMap(([key, value]) => ["--plaintext", `${key}=${value}`]);
      await run("good", ENGINE, ["config", "set-all", "--stack", "dev", ...pairs]);
    };
    await configure({ ...left.config, text: "first", role: "Viewer" });

    emulator.setFaults([{ method: "POST", path: "/v2/policies", status: 403 }]);
    await cli("bad", "up", "--yes");
    // It was there for a while, as what a program writes and removes again.
    rmSync(plantedFile);
    await cli("good", "up", "--yes");
    const { stdout } = await run("good", ENGINE, ["stack", "output", "--json", "--show-secrets", "--stack", "dev"]);
    const generated = (JSON.parse(stdout || "{}") as { made?: string }).made;
    // What is no secret goes its way through project, state, events and what is printed.
    await configure({ text: MARKER, role: "Operator" });
    emulator.setFaults([{ method: "PUT", path: "/v1/profiles/*", status: 400 }]);
    await engine("bad", "up");
    await cli("good", "refresh", "--yes");
    await configure({ fail: "yes" });
    const { output } = await engine("bad", "up");
    if (!output.includes("The credential from settings.apiKey was refused"))
      problems.push(`it was not the key that made it fail: ${output}`);
    await configure({ fail: "no" });
    await engine("good", "up", "--json");
    await project.cli("doctor", "--engine", "embedded").then((doctor) => printed.push(doctor.output));
    emulator.setFaults([{ method: "DELETE", path: "/v1/instances/*", status: 403 }]);
    await engine("bad", "destroy");
    await run("good", ENGINE, ["stack", "output", "--stack", "dev"]);
    await cli("good", "destroy", "--yes");
    if (generated === undefined) problems.push("no key was made");

    writeFileSync(join(folder("user"), "planted"), Buffer.from(`-${MARKER}`).toString("base64"));
    await fetch(`${emulator.url}/v1/instances?name=${MARKER}`);
    const ended = once(planted, "exit");
    planted.kill();
    await ended;
    watch.stop();
    files.stop();
    // The only files that hold a secret on purpose.
    for (const path of [passphraseFile, ...(left.files ?? [])]) rmSync(path);
    const searched = [folder("state"), project.cwd, events, temporary];
    const rest = readdirSync(project.folder).map(folder);
    const texts: Readonly<Record<Place, string>> = {
      "the state, its history and backups": filesBelow(folder("state")),
      "the project": filesBelow(project.cwd),
      "event logs": filesBelow(events),
      "home folders": rest
        .filter((path) => !searched.includes(path))
        .map(filesBelow)
        .join("\n"),
      "what was printed": printed.join("\n"),
      "the journal": JSON.stringify(emulator.journal()),
      "temporary files": files.text,
      [OF_PROCESSES]: watch.text,
    };
    const hidden = { ...marked, passphrase, ...(generated === undefined ? {} : { generated }), ...left.hidden };
    return { problems, found: await foundIn(texts, hidden, api) };
  } finally {
    planted.kill();
    watch.stop();
    files.stop();
    await emulator.close();
    project.remove();
  }
}

/** What stands in each place: the marker, these secrets, the API key, and anything shaped like a secret of IBM's. */
async function foundIn(
  texts: Readonly<Record<Place, string>>,
  secrets: Readonly<Record<string, string>>,
  api: Api,
): Promise<Record<Place, string[]>> {
  const { apiKey } = api.emulator;
  const hidden = { ...secrets, "API key": apiKey, marker: MARKER };
  const entries = Object.entries(texts).map(([place, text]) => [
    place,
    [...new Set([...namesIn(text, hidden), ...secretsIn(text, apiKey)])],
  ]);
  const found = Object.fromEntries(entries) as Record<Place, string[]>;
  // All processes of the machine are looked at, and those that are not of this stack may hold tokens and keys of their own:
  // only tokens that this account's keys have signed count there, and a private key this stack never has.
  const processes = texts[OF_PROCESSES];
  const tokens = await tokensOf(api, processes);
  const names = namesIn(processes, hidden).filter((name) => name !== "marker" || tokens.includes(api.token));
  found[OF_PROCESSES] = [...names, ...tokens.filter((token) => token !== api.token).map(() => "token")];
  return found;
}

/** The names of those secrets that stand in a text, as they are or as a part of something in base64. */
function namesIn(text: string, secrets: Readonly<Record<string, string>>): string[] {
  // Lines of base64 may be broken, also as a text in JSON.
  const joined = text
    .replace(/\\+n|\s/g, "")
    .replaceAll("-", "+")
    .replaceAll("_", "/");
  return Object.entries(secrets)
    .filter(([, value]) => text.includes(value) || inBase64(value).some((form) => joined.includes(form)))
    .map(([name]) => name);
}

/** A text in base64, for each place in a group of three bytes where it may begin; without what its neighbours decide. */
function inBase64(value: string): string[] {
  return [0, 1, 2].map((before) => {
    const bytes = Buffer.from("\0".repeat(before) + value);
    const sure = Math.floor((bytes.length * 8) / 6);
    return bytes.toString("base64").slice(Math.ceil((before * 8) / 6), sure);
  });
}

/** The tokens in a text that this account's own keys have signed. */
async function tokensOf(api: Api, text: string): Promise<string[]> {
  const answers = [await api.send("GET /identity/keys"), await api.admin("GET /_emulator/jwks")];
  const ids = answers.flatMap(({ body }) =>
    (body as unknown as { keys: { kid: string }[] }).keys.map(({ kid }) => kid),
  );
  const head = (token: string): string => Buffer.from(token.split(".")[0] ?? "", "base64url").toString();
  const all = text.match(new RegExp(TOKEN, "g")) ?? [];
  return [...new Set(all)].filter((token) => ids.some((id) => head(token).includes(id)));
}

/** Reads every file that is in a folder for a moment, over and over. */
class FileWatch {
  readonly #seen = new Set<string>();
  readonly #timer: NodeJS.Timeout;

  constructor(private readonly folder: string) {
    this.#timer = setInterval(() => this.#look(), 20);
  }

  get text(): string {
    return [...this.#seen].join("\n");
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#look();
  }

  #look(): void {
    for (const path of pathsBelow(this.folder)) {
      try {
        this.#seen.add(`${path}\n${readFileSync(path, "utf8")}`);
      } catch {
        // It has gone since, and the others have not.
      }
    }
  }
}

/** Files in a folder and its folders; one that goes while it is looked at has none. */
function pathsBelow(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? pathsBelow(path) : entry.isFile() ? [path] : [];
    });
  } catch {
    return [];
  }
}

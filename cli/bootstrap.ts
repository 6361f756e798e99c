/** `vpc-identity bootstrap`: user data for people who do not use Pulumi, from a file of options, from flags, or both. */
import { createHash } from "node:crypto";
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { parse } from "yaml";
import {
  type BootstrapOptions,
  USER_DATA_FORMATS,
  USER_DATA_LIMIT_BYTES,
  type UserDataForm,
  userDataReport,
  type UserDataReport,
  validateBootstrap,
  validateUserDataForm,
} from "../bootstrap";
import { EXIT, type Command, UsageError } from "./command";
import type { Flags } from "./flags";

export const command: Command = {
  name: "bootstrap",
  summary: "Writes the user data that gives a server its identity",
  help: `An option's path has quotes where a name has a dot: --set 'files."key.pem".mode="0640"'. A list is written as YAML:
--set 'iamTokens=[{name: default}, {name: backup, profileId: Profile-...}]'. All options: docs/bootstrap.md in the repository.`,
  flags: {
    options: { type: "string", value: "<file>", about: "JSON or YAML file with bootstrap options", otherwise: "none" },
    set: {
      type: "string",
      multiple: true,
      value: "<path=value>",
      about: "one option over those of the file, such as certificate.keySize=4096; repeatable",
    },
    format: {
      type: "string",
      value: "<format>",
      oneOf: USER_DATA_FORMATS,
      about: USER_DATA_FORMATS.join(", "),
      otherwise: "cloud-config, or mime with --merge",
    },
    merge: {
      type: "string",
      multiple: true,
      value: "<file>",
      about: "user data of your own that goes along: #cloud-config, #! or #cloud-boothook; repeatable",
    },
    "image-format": {
      type: "string",
      value: "<format>",
      about: "user_data_format of the image; all but cloud_init are refused",
      otherwise: "cloud_init",
    },
    plain: { type: "boolean", about: "leaves every file in the document readable" },
    output: { type: "string", value: "<file>", about: "where to write", otherwise: "standard output" },
    mode: { type: "string", value: "<octal>", about: "permissions of the file of --output", otherwise: "0600" },
    size: { type: "boolean", about: "prints the size of every part, and the document only with --output" },
    json: { type: "boolean", about: "prints sizes, SHA-256 and, without --output, the document as one JSON object" },
  },
  check: (flags) => [...readCall(flags).problems, ...outputProblems(flags)],
  async run(flags) {
    const { options, form } = readCall(flags);
    const report = userDataReport(options, form);
    const output = flags.text("output");
    if (output !== undefined) writeWhole(output, report.userData, Number.parseInt(flags.text("mode") ?? "0600", 8));
    if (flags.on("json")) process.stdout.write(jsonReport(report, output));
    else if (flags.on("size")) process.stdout.write(sizeTable(report));
    else if (output === undefined) process.stdout.write(report.userData);
    if (!flags.on("size") && !flags.on("json")) process.stderr.write(`${totalOf(report)}\n`);
    if (report.warning !== undefined) process.stderr.write(`warning: ${report.warning}\n`);
    return EXIT.done;
  },
};

/** Everything is read before anything is judged, so that one answer names all that is wrong. */
function readCall(flags: Flags): { options: BootstrapOptions; form: UserDataForm; problems: string[] } {
  const problems: string[] = [];
  const attempt = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      problems.push(error.message);
      return undefined;
    }
  };
  const path = flags.text("options");
  const options = (path === undefined ? undefined : attempt(() => readOptions(path))) ?? {};
  for (const pair of flags.list("set")) attempt(() => setOption(options, pair));
  const [format, imageUserDataFormat] = [flags.text("format"), flags.text("image-format")];
  const form = {
    compress: !flags.on("plain"),
    merge: flags.list("merge").flatMap((file) => attempt(() => readText("merge", file)) ?? []),
    ...(format === undefined ? {} : { format }),
    ...(imageUserDataFormat === undefined ? {} : { imageUserDataFormat }),
  };
  for (const { property, reason } of validateBootstrap(options, "")) problems.push(`${property} ${reason}`);
  for (const { property, reason } of validateUserDataForm(form, ""))
    problems.push(`${flagOf(property, flags)} ${reason}`);
  return { options, form: form as UserDataForm, problems };
}

/** A problem of the form, in terms of the flag that says it. */
function flagOf(property: string, flags: Flags): string {
  const [, index] = /^merge\[(\d+)\]$/.exec(property) ?? [];
  if (index !== undefined) return `--merge ${JSON.stringify(flags.list("merge")[Number(index)])}`;
  return property === "imageUserDataFormat" ? "--image-format" : `--${property}`;
}

function outputProblems(flags: Flags): string[] {
  const [output, mode] = [flags.text("output"), flags.text("mode")];
  const problems: string[] = [];
  if (mode !== undefined && !/^0?[0-7]{3}$/.test(mode)) {
    problems.push(`--mode is ${JSON.stringify(mode)}; allowed: octal permissions such as 0640`);
  }
  if (mode !== undefined && output === undefined)
    problems.push("--mode is for the file of --output, which is not given");
  if (output !== undefined && statSync(dirname(output), { throwIfNoEntry: false })?.isDirectory() !== true) {
    problems.push(`--output is ${JSON.stringify(output)}; there is no folder ${JSON.stringify(dirname(output))}`);
  } else if (output !== undefined && statSync(output, { throwIfNoEntry: false })?.isDirectory() === true) {
    problems.push(`--output is ${JSON.stringify(output)}, which is a folder`);
  }
  return problems;
}

function readText(flag: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new UsageError(`--${flag} ${JSON.stringify(path)} cannot be read: ${(error as NodeJS.ErrnoException).code}`);
  }
}

function readOptions(path: string): Record<string, unknown> {
  // An empty file says nothing, which is all defaults.
  const options = readYaml(`--options ${JSON.stringify(path)}`, readText("options", path)) ?? {};
  if (typeof options === "object" && !Array.isArray(options)) return options as Record<string, unknown>;
  throw new UsageError(`--options ${JSON.stringify(path)} is not a mapping of options`);
}

function setOption(options: Record<string, unknown>, pair: string): void {
  const [, path, value] = /^((?:"[^"]+"|[^".=]+)(?:\.(?:"[^"]+"|[^".=]+))*)=([^]*)$/.exec(pair) ?? [];
  if (path === undefined || value === undefined) {
    throw new UsageError(`--set is ${JSON.stringify(pair)}; allowed: path=value, such as certificate.keySize=4096`);
  }
  const keys = Array.from(path.matchAll(/"([^"]+)"|[^".]+/g), ([plain, quoted]) => quoted ?? plain);
  let target = options;
  for (const key of keys.slice(0, -1)) {
    const inner = Object.hasOwn(target, key) ? target[key] : undefined;
    const next = typeof inner === "object" && inner !== null ? inner : {};
    own(target, key, next);
    target = next as Record<string, unknown>;
  }
  own(target, keys.at(-1) ?? "", readYaml(`--set ${JSON.stringify(pair)}`, value));
}

/** Never the prototype, whatever the key, so that the rules see every key and refuse it by name. */
function own(target: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
}

function readYaml(what: string, text: string): unknown {
  try {
    return parse(text) as unknown;
  } catch (error) {
    throw new UsageError(`${what} is not YAML: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Whoever reads the file meanwhile finds the old text or the new one, never a part; a pipe or device is written to. */
function writeWhole(path: string, text: string, mode: number): void {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() === false) {
    writeFileSync(path, text);
    return;
  }
  const fresh = `${path}.${process.pid}.new`;
  const file = openSync(fresh, "wx", mode);
  try {
    writeFileSync(file, text);
    fsyncSync(file);
    renameSync(fresh, path);
  } catch (error) {
    rmSync(fresh, { force: true });
    throw error;
  } finally {
    closeSync(file);
  }
}

function totalOf({ bytes }: UserDataReport): string {
  return `${bytes} bytes of user data, ${percentOf(bytes)} % of what the VPC API takes`;
}

const percentOf = (bytes: number): string => ((100 * bytes) / USER_DATA_LIMIT_BYTES).toFixed(1);

function sizeTable(report: UserDataReport): string {
  const rows = report.parts.map(({ name, bytes, writtenBytes }) => [String(bytes), String(writtenBytes), name]);
  const lines = [["bytes", "written", "part"], ...rows].map(
    ([bytes = "", written = "", name = ""]) => `${bytes.padStart(7)}  ${written.padStart(7)}  ${name}`,
  );
  return `${lines.join("\n")}\n${totalOf(report)}\n`;
}

function jsonReport({ userData, bytes, parts, warning }: UserDataReport, output: string | undefined): string {
  const sha256 = createHash("sha256").update(userData).digest("hex");
  const place = output === undefined ? { userData } : { output };
  const report = { bytes, limitBytes: USER_DATA_LIMIT_BYTES, sha256, warning, parts, ...place };
  return `${JSON.stringify(report, undefined, 2)}\n`;
}

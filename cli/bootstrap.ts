/** `vpc-identity bootstrap`: user data for people who do not use Pulumi, from a file of options, from flags, or both. */
import { readFileSync, writeFileSync } from "node:fs";
import { parse } from "yaml";
import {
  type BootstrapOptions,
  bootstrapUserData,
  USER_DATA_LIMIT_BYTES,
  type UserDataForm,
  validateBootstrap,
} from "../bootstrap";
import { EXIT, UsageError, type Command, type Flags } from "./command";

export const command: Command = {
  name: "bootstrap",
  summary: "Writes the user data that gives a server its identity",
  help: `Flags:
  --options <file>      JSON or YAML file with bootstrap options (default: none, all defaults)
  --set <key=value>     one option by its path, such as certificate.keySize=4096; the value is YAML; repeatable
  --format <format>     cloud-config, script, mime or archive (default: cloud-config, or mime with --merge)
  --merge <file>        user data of your own that goes along: #cloud-config, #! or #cloud-boothook; repeatable
  --image-format <f>    user_data_format of the image; all but cloud_init are refused (default: cloud_init)
  --plain               leaves every file in the document readable
  --output <file>       where to write (default: standard output); the size is told on standard error`,
  flags: {
    options: { type: "string" },
    set: { type: "string", multiple: true },
    format: { type: "string" },
    merge: { type: "string", multiple: true },
    "image-format": { type: "string" },
    plain: { type: "boolean" },
    output: { type: "string" },
  },
  async run(flags) {
    const options = readOptions(flags);
    const format = flags.oneOf("format", ["cloud-config", "script", "mime", "archive"]);
    const imageUserDataFormat = flags.oneOf("image-format", ["cloud_init", "esxi_kickstart", "ipxe"]);
    const form: UserDataForm = {
      compress: !flags.on("plain"),
      merge: flags.list("merge").map((path) => readText("merge", path)),
      ...(format === undefined ? {} : { format }),
      ...(imageUserDataFormat === undefined ? {} : { imageUserDataFormat }),
    };
    const userData = bootstrapUserData(options, form);
    const output = flags.text("output");
    if (output === undefined) process.stdout.write(userData);
    else writeFileSync(output, userData);
    const bytes = Buffer.byteLength(userData);
    const part = ((100 * bytes) / USER_DATA_LIMIT_BYTES).toFixed(1);
    process.stderr.write(`${bytes} bytes of user data, ${part} % of what the VPC API takes\n`);
    return EXIT.done;
  },
};

function readText(flag: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new UsageError(`--${flag} ${JSON.stringify(path)} cannot be read: ${(error as NodeJS.ErrnoException).code}`);
  }
}

/** Everything wrong with the options is told at once, by the same rules as in a program. */
function readOptions(flags: Flags): BootstrapOptions {
  const path = flags.text("options");
  const options: unknown =
    path === undefined ? {} : readYaml(`--options ${JSON.stringify(path)}`, readText("options", path));
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new UsageError(`--options ${JSON.stringify(path)} is not a mapping of options`);
  }
  for (const pair of flags.list("set")) setOption(options as Record<string, unknown>, pair);
  const problems = validateBootstrap(options, "");
  if (problems.length > 0) {
    throw new UsageError(problems.map(({ property, reason }) => `${property} ${reason}`).join("\n"));
  }
  return options;
}

function setOption(options: Record<string, unknown>, pair: string): void {
  const at = pair.indexOf("=");
  if (at < 1) throw new UsageError(`--set is ${JSON.stringify(pair)}; allowed: key=value`);
  const keys = pair.slice(0, at).split(".");
  let target = options;
  for (const key of keys.slice(0, -1)) {
    const inner = Object.hasOwn(target, key) ? target[key] : undefined;
    const next = typeof inner === "object" && inner !== null ? inner : {};
    own(target, key, next);
    target = next as Record<string, unknown>;
  }
  const last = keys.at(-1) ?? "";
  own(target, last, readYaml(`--set ${JSON.stringify(pair)}`, pair.slice(at + 1)));
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

/** config and its subcommands. */
import { UserError } from "../errors";
import { type Value } from "../model/values";
import { holdsSecret, openValue, textOf, type StackConfig } from "../state/stack-config";
import { type Stack } from "../state/stack";
import { stackOf, type Command, type Context } from "./context";
import { JSON_FLAG, STACK_FLAG, type Flags } from "./flags";

const FILE: Flags = { "config-file": { kind: "text", about: "Use this file in place of Pulumi.<stack>.yaml" } };
const PATH: Flags = { path: { kind: "boolean", about: "The key is a path into a value: a.b[0]" } };
const KIND: Flags = {
  secret: { kind: "boolean", about: "Encrypt the value" },
  plaintext: { kind: "boolean", about: "Store the value in clear" },
};

function open(context: Context): { stack: Stack; config: StackConfig } {
  const stack = stackOf(context).requireExisting();
  return { stack, config: stack.config };
}

interface Entry {
  readonly value?: string;
  readonly objectValue?: Value;
  readonly secret: boolean;
}

function entryOf(stored: Value, stack: Stack, showSecrets: boolean): Entry {
  const confidential = holdsSecret(stored);
  if (confidential && !showSecrets) return { secret: true };
  const plain = openValue(stored, confidential ? stack.crypter() : undefined);
  const structured = typeof plain === "object" && plain !== null;
  return { value: textOf(plain), ...(structured ? { objectValue: plain } : {}), secret: confidential };
}

export const show: Command = {
  usage: "config",
  about: "Show a stack's configuration",
  flags: { ...STACK_FLAG, ...FILE, ...JSON_FLAG, "show-secrets": { kind: "boolean", about: "Secrets in clear" } },
  arguments: [0, 0],
  run(context) {
    const { stack, config } = open(context);
    const showSecrets = context.args.flag("show-secrets");
    const entries = [...config.values()].map(([key, stored]): [string, Entry] => [
      key,
      entryOf(stored, stack, showSecrets),
    ]);
    if (context.args.flag("json")) {
      context.out(`${JSON.stringify(Object.fromEntries(entries), undefined, 2)}\n`);
      return;
    }
    const rows = entries.map(([key, entry]): [string, string] => [shortKey(key, stack), entry.value ?? "[secret]"]);
    const width = Math.max("KEY".length, ...rows.map(([key]) => key.length));
    for (const [key, value] of [["KEY", "VALUE"], ...rows] as [string, string][])
      context.out(`${key.padEnd(width)}  ${value}\n`);
  },
};

function shortKey(key: string, stack: Stack): string {
  const own = `${stack.project.name}:`;
  return key.startsWith(own) ? key.slice(own.length) : key;
}

export const get: Command = {
  usage: "config get <key>",
  about: "Print one value",
  flags: { ...STACK_FLAG, ...FILE, ...PATH, ...JSON_FLAG, open: { kind: "boolean", about: "" } },
  arguments: [1, 1],
  run(context) {
    const { stack, config } = open(context);
    const [key = ""] = context.args.positional;
    const stored = config.get(key, context.args.flag("path"));
    if (stored === undefined)
      throw new UserError(`configuration key '${key}' not found for stack '${stack.name.stack}'`);
    const entry = entryOf(stored, stack, true);
    context.out(context.args.flag("json") ? `${JSON.stringify(entry, undefined, 2)}\n` : `${entry.value ?? ""}\n`);
  },
};

const MAY_BE_SECRET = /passw|secret|token|api_?key|private_?key|credential/i;

export const set: Command = {
  usage: "config set <key> [value]",
  about: "Set one value",
  flags: { ...STACK_FLAG, ...FILE, ...PATH, ...KIND, type: { kind: "text", about: "string is what there is" } },
  arguments: [1, 2],
  async run(context) {
    const { args } = context;
    const { stack, config } = open(context);
    const [key = "", given] = args.positional;
    const value = given ?? (await readValue(context));
    const secret = args.flag("secret");
    if (!secret && !args.flag("plaintext") && MAY_BE_SECRET.test(key) && value !== "" && !args.given("secret")) {
      process.stderr.write(
        `warning: '${key}' looks like the name of a secret, and is stored in clear; use --secret to encrypt it\n`,
      );
    }
    config.set(key, value, { secret, path: args.flag("path") }, () => stack.crypter());
    // A first secret brings the salt along, which another copy of the file has written.
    if (config.salt === undefined && secret) config.setSalt(stack.crypter().salt);
    config.save();
  },
};

/** A value that is not on the command line comes from standard input, where no list of processes shows it. */
async function readValue(context: Context): Promise<string> {
  if (context.interactive) process.stderr.write("value: ");
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) {
    chunks.push(chunk as Buffer);
    if (context.interactive) break;
  }
  return Buffer.concat(chunks)
    .toString("utf8")
    .replace(/\r?\n$/, "");
}

export const remove: Command = {
  usage: "config rm <key>",
  about: "Remove one value",
  flags: { ...STACK_FLAG, ...FILE, ...PATH },
  arguments: [1, 1],
  run(context) {
    const { config } = open(context);
    config.remove(context.args.positional[0] ?? "", context.args.flag("path"));
    config.save();
  },
};

export const removeAll: Command = {
  usage: "config rm-all <key>...",
  about: "Remove several values",
  flags: { ...STACK_FLAG, ...FILE, ...PATH },
  arguments: [1, 1000],
  run(context) {
    const { config } = open(context);
    for (const key of context.args.positional) config.remove(key, context.args.flag("path"));
    config.save();
  },
};

export const setAll: Command = {
  usage: "config set-all --plaintext key=value --secret key=value",
  about: "Set several values",
  flags: {
    ...STACK_FLAG,
    ...FILE,
    ...PATH,
    plaintext: { kind: "list", about: "key=value to store in clear" },
    secret: { kind: "list", about: "key=value to encrypt" },
    json: { kind: "text", about: "The output of config --json --show-secrets" },
  },
  arguments: [0, 0],
  run(context) {
    const { args } = context;
    const { stack, config } = open(context);
    const path = args.flag("path");
    const crypter = (): ReturnType<Stack["crypter"]> => stack.crypter();
    if (args.list("secret").length > 0 && config.salt === undefined) config.setSalt(crypter().salt);
    for (const [kind, pair] of args.ordered) {
      if (kind !== "plaintext" && kind !== "secret") continue;
      const at = pair.indexOf("=");
      if (at < 0) throw new UserError(`--${kind} is "${pair}"; key=value is allowed`);
      config.set(pair.slice(0, at), pair.slice(at + 1), { secret: kind === "secret", path }, crypter);
    }
    const json = args.text("json");
    if (json !== undefined) setFromJson(config, json, crypter);
    config.save();
  },
};

function setFromJson(config: StackConfig, json: string, crypter: () => ReturnType<Stack["crypter"]>): void {
  let entries: Record<string, Entry>;
  try {
    entries = JSON.parse(json) as Record<string, Entry>;
  } catch {
    throw new UserError("--json is not valid JSON; the output of config --json --show-secrets is allowed");
  }
  for (const [key, { value, secret }] of Object.entries(entries)) {
    if (value !== undefined) config.set(key, value, { secret, path: false }, crypter);
  }
}

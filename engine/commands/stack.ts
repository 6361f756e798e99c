/** stack, and its subcommands that make, list, choose and remove stacks. */
import { UsageError, UserError } from "../errors";
import { isProviderType, parseUrn, STACK_TYPE } from "../model/urn";
import { maskSecrets, revealAll, type Properties } from "../model/values";
import { FileBackend } from "../state/backend";
import { backendUrl, selectedStack, selectStack } from "../state/project";
import { parseStackName, Stack } from "../state/stack";
import { confirmByName } from "./confirm";
import { projectOf, stackOf, type Command, type Context } from "./context";
import { JSON_FLAG, STACK_FLAG, YES_FLAG, type Flags } from "./flags";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";

const SECRETS_PROVIDER: Flags = { "secrets-provider": { kind: "text", about: "passphrase is the one there is" } };

function requirePassphrase(provider: string | undefined): void {
  if (provider !== undefined && provider !== "" && provider !== "default" && provider !== "passphrase") {
    throw new UsageError(`The secrets provider "${provider}" is not in the embedded engine; "passphrase" is allowed.`);
  }
}

function namedStack(context: Context): Stack {
  return stackOf(context, context.args.positional[0] ?? context.args.text("stack"));
}

export const init: Command = {
  usage: "stack init [name]",
  about: "Make an empty stack",
  flags: { ...STACK_FLAG, ...SECRETS_PROVIDER, "no-select": { kind: "boolean", about: "Do not select it" } },
  arguments: [0, 1],
  run(context) {
    requirePassphrase(context.args.text("secrets-provider"));
    const project = projectOf(context);
    const name = context.args.positional[0] ?? context.args.text("stack");
    if (name === undefined) throw new UsageError("missing stack name");
    const stack = new Stack(project, parseStackName(name, project.name), context.env);
    stack.create();
    context.out(`Created stack '${stack.name.stack}'\n`);
    if (!context.args.flag("no-select")) selectStack(project, stack.name.stack, context.env);
  },
};

export const select: Command = {
  usage: "stack select [name]",
  about: "Choose the stack that commands work on",
  flags: {
    ...STACK_FLAG,
    ...SECRETS_PROVIDER,
    create: { kind: "boolean", short: "c", about: "Make it if there is none" },
  },
  arguments: [0, 1],
  run(context) {
    const name = context.args.positional[0] ?? context.args.text("stack");
    if (name === undefined) throw new UsageError("the name of the stack must be given: stack select <name>");
    const stack = namedStack(context);
    if (context.args.flag("create") && !stack.backend.exists(stack.name)) stack.create();
    stack.requireExisting();
    selectStack(stack.project, stack.name.stack, context.env);
  },
};

export const list: Command = {
  usage: "stack ls",
  about: "List stacks",
  flags: {
    ...JSON_FLAG,
    all: { kind: "boolean", short: "a", about: "Of all projects" },
    project: { kind: "text", short: "p", about: "Of this project" },
  },
  arguments: [0, 0],
  run(context) {
    const all = context.args.flag("all");
    const project = all ? undefined : projectOf(context);
    const backend = new FileBackend(backendUrl(project, context.env), context.env);
    const current = project === undefined ? undefined : selectedStack(project, context.env);
    const rows = backend.listStacks(all ? undefined : (context.args.text("project") ?? project?.name)).map((name) => {
      const { endTime } = backend.history(name)[0] ?? {};
      const locked = backend.locks(name).length > 0;
      const state = backend.readState(name)?.text ?? "";
      const count = (/"resources":\[/.exec(state) === null ? [] : [...state.matchAll(/"urn":"/g)]).length;
      return {
        name: all ? `organization/${name.project}/${name.stack}` : name.stack,
        current: name.stack === current,
        ...(typeof endTime === "number" ? { lastUpdate: new Date(endTime * 1000).toISOString() } : {}),
        updateInProgress: locked,
        resourceCount: count,
      };
    });
    if (context.args.flag("json")) {
      context.out(`${JSON.stringify(rows, undefined, 2)}\n`);
      return;
    }
    const lines = rows.map((row) => [
      `${row.name}${row.current ? "*" : ""}`,
      row.lastUpdate ?? "n/a",
      String(row.resourceCount),
    ]);
    const table = [["NAME", "LAST UPDATE", "RESOURCE COUNT"], ...lines];
    const width = (column: number): number => Math.max(...table.map((line) => (line[column] ?? "").length));
    for (const line of table)
      context.out(
        `${line
          .map((cell, column) => cell.padEnd(width(column)))
          .join("  ")
          .trimEnd()}\n`,
      );
  },
};

export const remove: Command = {
  usage: "stack rm [name]",
  about: "Remove a stack and its configuration",
  flags: {
    ...STACK_FLAG,
    ...YES_FLAG,
    force: { kind: "boolean", short: "f", about: "Even if it has resources" },
    "preserve-config": { kind: "boolean", about: "Keep Pulumi.<stack>.yaml" },
    "remove-backups": { kind: "boolean", about: "" },
  },
  arguments: [0, 1],
  async run(context) {
    const stack = namedStack(context).requireExisting();
    const { args } = context;
    const { stack: name } = stack.name;
    await confirmByName(context, `This will permanently remove the '${name}' stack!`, name);
    const release = stack.backend.lock(stack.name);
    try {
      const { latest } = stack.raw();
      const resources = latest?.resources;
      if (Array.isArray(resources) && resources.length > 0 && !args.flag("force")) {
        throw new UserError(
          `'${stack.name.stack}' still has resources; removal rejected. Possible actions: run destroy first, or pass --force, which leaves them behind.`,
        );
      }
      stack.backend.removeStack(stack.name);
    } finally {
      release();
    }
    const file = join(stack.project.root, stack.project.stackConfigDir ?? "", `Pulumi.${stack.name.stack}.yaml`);
    if (!args.flag("preserve-config") && existsSync(file)) rmSync(file);
    if (selectedStack(stack.project, context.env) === stack.name.stack)
      selectStack(stack.project, undefined, context.env);
    context.out(`Stack '${stack.name.stack}' has been removed!\n`);
  },
};

function outputsOf(stack: Stack, showSecrets: boolean): Properties {
  const root = stack.load().resources.find((resource) => resource.type === STACK_TYPE);
  const outputs = root?.outputs ?? {};
  return (showSecrets ? revealAll(outputs) : maskSecrets(outputs)) as Properties;
}

export const output: Command = {
  usage: "stack output [name]",
  about: "Show a stack's outputs",
  flags: {
    ...STACK_FLAG,
    ...JSON_FLAG,
    "show-secrets": { kind: "boolean", about: "In clear" },
    shell: { kind: "boolean", about: "As shell assignments" },
  },
  arguments: [0, 1],
  run(context) {
    const stack = stackOf(context).requireExisting();
    const [name] = context.args.positional;
    const json = context.args.flag("json");
    // Asked for by its name, a secret is still shown only on demand.
    const outputs = outputsOf(stack, context.args.flag("show-secrets"));
    if (name !== undefined) {
      const value = outputs[name];
      if (value === undefined) throw new UserError(`current stack does not have output property '${name}'`);
      context.out(
        `${json || typeof value !== "string" ? JSON.stringify(value, undefined, json ? 2 : undefined) : value}\n`,
      );
      return;
    }
    const names = Object.keys(outputs).sort();
    if (json) {
      const sorted = Object.fromEntries(names.map((key) => [key, outputs[key]]));
      context.out(`${JSON.stringify(sorted, undefined, 2)}\n`);
    } else if (context.args.flag("shell")) {
      for (const key of names) context.out(`${key}=${shellQuote(asText(outputs[key]))}\n`);
    } else if (names.length === 0) {
      context.out("Current stack outputs (0):\n    No output values currently in this stack\n");
    } else {
      const width = Math.max("OUTPUT".length, ...names.map((key) => key.length));
      context.out(`Current stack outputs (${names.length}):\n    ${"OUTPUT".padEnd(width)}  VALUE\n`);
      for (const key of names) context.out(`    ${key.padEnd(width)}  ${asText(outputs[key])}\n`);
    }
  },
};

function asText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function shellQuote(text: string): string {
  return /^[\w./:@%+-]+$/.test(text) ? text : `'${text.replace(/'/g, `'\\''`)}'`;
}

export const show: Command = {
  usage: "stack",
  about: "Show the current stack",
  flags: {
    ...STACK_FLAG,
    "show-name": { kind: "boolean", about: "Only the name" },
    "show-ids": { kind: "boolean", short: "i", about: "Ids as well" },
    "show-urns": { kind: "boolean", short: "u", about: "URNs as well" },
    "show-secrets": { kind: "boolean", about: "Secret outputs in clear" },
  },
  arguments: [0, 0],
  run(context) {
    const stack = stackOf(context).requireExisting();
    const { args } = context;
    if (args.flag("show-name")) {
      context.out(`${stack.name.stack}\n`);
      return;
    }
    const { resources } = stack.load();
    context.out(`Current stack is ${stack.name.stack}:\n    Managed by the embedded engine, in ${stack.backend.url}\n`);
    for (const lock of stack.backend.locks(stack.name))
      context.out(`    Locked by ${lock.username}@${lock.hostname} (pid ${lock.pid}) since ${lock.timestamp}\n`);
    const visible = resources.filter((resource) => !isProviderType(resource.type));
    context.out(`Current stack resources (${visible.length}):\n`);
    for (const resource of visible) {
      context.out(`    ${resource.type}  ${parseUrn(resource.urn).name}\n`);
      if (args.flag("show-urns")) context.out(`        URN: ${resource.urn}\n`);
      if (args.flag("show-ids") && resource.id !== undefined) context.out(`        ID: ${resource.id}\n`);
    }
    void output.run(context);
  },
};

/** stack export, import and history. */
import { readFileSync, writeFileSync } from "node:fs";
import { messageOf, UserError } from "../errors";
import { decodeDeployment, Encoder, findDefect, parseCheckpoint, plainSealing, sealingOf } from "../state/checkpoint";
import { isObject, type Value } from "../model/values";
import { stackOf, type Command } from "./context";
import { JSON_FLAG, STACK_FLAG } from "./flags";

export const exportState: Command = {
  usage: "stack export",
  about: "Print a stack's state",
  flags: {
    ...STACK_FLAG,
    file: { kind: "text", about: "Write to this file" },
    "show-secrets": { kind: "boolean", about: "Secrets in clear" },
  },
  arguments: [0, 0],
  run(context) {
    const stack = stackOf(context).requireExisting();
    const raw = stack.raw();
    let text = JSON.stringify({
      version: raw.version,
      ...(raw.features.length > 0 ? { features: raw.features } : {}),
      deployment: raw.latest ?? {},
    });
    const deployment = stack.load();
    if (context.args.flag("show-secrets") && deployment.salt !== undefined) {
      const encoder = new Encoder(plainSealing(stack.crypterFor(deployment.salt)));
      text = encoder.exported(deployment.resources, deployment.pending);
    }
    const pretty = `${JSON.stringify(JSON.parse(text), undefined, 4)}\n`;
    const file = context.args.text("file");
    if (file === undefined) context.out(pretty);
    else writeFileSync(file, pretty, { mode: 0o600 });
  },
};

async function readInput(file: string | undefined): Promise<string> {
  try {
    if (file !== undefined) return readFileSync(file, "utf8");
  } catch (error) {
    throw new UserError(`${file ?? ""} cannot be read: ${messageOf(error)}`);
  }
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

export const importState: Command = {
  usage: "stack import",
  about: "Replace a stack's state by an exported one",
  flags: {
    ...STACK_FLAG,
    file: { kind: "text", about: "Read from this file" },
    force: { kind: "boolean", short: "f", about: "Even if it names another stack" },
  },
  arguments: [0, 0],
  async run(context) {
    const stack = stackOf(context).requireExisting();
    const place = context.args.text("file") ?? "standard input";
    const raw = parseCheckpoint(await readInput(context.args.text("file")), place);
    const deployment = decodeDeployment(raw, place, (salt) => stack.crypterFor(salt));
    const foreign = deployment.resources.find(
      (resource) => !resource.urn.startsWith(`urn:pulumi:${stack.name.stack}::${stack.name.project}::`),
    );
    if (foreign !== undefined && !context.args.flag("force")) {
      throw new UserError(
        `${place} belongs to another stack: it has the resource ${foreign.urn}. Pass --force to take it nevertheless.`,
      );
    }
    const defect = findDefect(deployment.resources);
    if (defect !== undefined) throw new UserError(`${place} is not sound: ${defect}`);
    const release = stack.backend.lock(stack.name);
    try {
      const encoder = new Encoder(sealingOf(stack.crypter()));
      stack.backend.writeState(
        stack.name,
        encoder.checkpoint(stack.qualifiedName, deployment.resources, deployment.pending),
      );
    } finally {
      release();
    }
    context.out("Import complete.\n");
  },
};

export const history: Command = {
  usage: "stack history",
  about: "Show what was done to a stack",
  flags: {
    ...STACK_FLAG,
    ...JSON_FLAG,
    "show-secrets": { kind: "boolean", about: "Secrets in clear" },
    "page-size": { kind: "text", about: "How many entries a page has" },
    page: { kind: "text", about: "Which page" },
    "full-dates": { kind: "boolean", about: "" },
  },
  arguments: [0, 0],
  run(context) {
    const stack = stackOf(context).requireExisting();
    const { args } = context;
    const size = Number(args.text("page-size") ?? "10");
    const page = Math.max(1, Number(args.text("page") ?? "1"));
    const entries = stack.backend.history(stack.name);
    const shown =
      args.given("page-size") || args.given("page") ? entries.slice((page - 1) * size, page * size) : entries;
    const crypter = args.flag("show-secrets") ? stack.crypter() : undefined;
    const rows = shown.map((entry, index) => ({
      version: entries.length - (shown === entries ? 0 : (page - 1) * size) - index,
      kind: entry.kind,
      startTime: isoTime(entry.startTime),
      message: entry.message,
      environment: entry.environment,
      config: Object.fromEntries(
        Object.entries(
          isObject(entry.config as Value) ? (entry.config as Record<string, { value?: string; secret?: boolean }>) : {},
        ).map(([key, item]) => {
          const plain = item.secret === true ? crypter?.decrypt(item.value ?? "") : item.value;
          return [key, { ...(plain === undefined ? {} : { value: plain }), secret: item.secret === true }];
        }),
      ),
      result: entry.result,
      endTime: isoTime(entry.endTime),
      resourceChanges: entry.resourceChanges,
    }));
    if (args.flag("json")) context.out(`${JSON.stringify(rows, undefined, 2)}\n`);
    else {
      for (const row of rows) {
        context.out(
          `Version: ${row.version}\nUpdateKind: ${String(row.kind)}\nStatus: ${String(row.result)} ${row.endTime}\nMessage: ${String(row.message)}\n    ${JSON.stringify(row.resourceChanges)}\n\n`,
        );
      }
    }
  },
};

function isoTime(seconds: unknown): string {
  return typeof seconds === "number" ? new Date(seconds * 1000).toISOString() : "";
}

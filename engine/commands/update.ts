/** up, preview, refresh, destroy and cancel. */
import { EXIT, UsageError } from "../errors";
import { Operation, type OperationSettings } from "../deploy/operation";
import { broadcast, type OperationKind, type Reporter } from "../display/reporter";
import { PlainDisplay } from "../display/plain";
import { TreeDisplay } from "../display/tree";
import { EventRecorder, openEventLog, PreviewDigest, type EventSink } from "../display/events";
import { killChildren } from "../rpc/child";
import { loadProtocol } from "../rpc/protocol";
import { programOf } from "../state/project";
import { type Stack } from "../state/stack";
import { answer, confirmByName, declined, isSure } from "./confirm";
import { stackOf, type Command, type Context } from "./context";
import { JSON_FLAG, STACK_FLAG, YES_FLAG, type Flags } from "./flags";

const COMMON: Flags = {
  ...STACK_FLAG,
  ...JSON_FLAG,
  ...YES_FLAG,
  "config-file": { kind: "text", about: "Use this file in place of Pulumi.<stack>.yaml" },
  "continue-on-error": { kind: "boolean", about: "Go on with what does not depend on what failed" },
  diff: { kind: "boolean", about: "Show changes in full" },
  "event-log": { kind: "text", about: "Write events as JSON lines to this file" },
  "exec-agent": { kind: "text", about: "" },
  "exec-kind": { kind: "text", about: "" },
  client: { kind: "text", about: "Address of the language host that runs the program" },
  "expect-no-changes": { kind: "boolean", about: "Fail if anything changes" },
  message: { kind: "text", short: "m", about: "A note for the history" },
  parallel: { kind: "text", short: "p", about: "How many operations run at a time" },
  "run-program": { kind: "boolean", about: "" },
  "show-secrets": { kind: "boolean", about: "Show secret outputs in clear" },
  "show-sames": { kind: "boolean", about: "Show what does not change too" },
  "show-config": { kind: "boolean", about: "" },
  "show-full-output": { kind: "boolean", about: "" },
  "show-reads": { kind: "boolean", about: "" },
  "show-replacement-steps": { kind: "boolean", about: "" },
  "skip-preview": { kind: "boolean", short: "f", about: "Do not preview first" },
  "suppress-outputs": { kind: "boolean", about: "Do not show stack outputs" },
  "suppress-permalink": { kind: "text", about: "" },
  "suppress-progress": { kind: "boolean", about: "" },
  target: { kind: "list", short: "t", about: "Only these resources (URNs; * and ** match)" },
  "target-dependents": { kind: "boolean", about: "What depends on the targets, too" },
};

const REFRESH_FIRST: Flags = { refresh: { kind: "boolean", short: "r", about: "Refresh first" } };
const CLEAR: Flags = { "clear-pending-creates": { kind: "boolean", about: "Forget creates that were interrupted" } };
const PROGRAM: Flags = {
  config: { kind: "list", short: "c", about: "Set configuration: key=value" },
  "config-path": { kind: "boolean", about: "Keys of --config are paths" },
  replace: { kind: "list", about: "Replace these resources" },
  "target-replace": { kind: "list", about: "Replace these resources and touch no others" },
};

function settingsOf(context: Context, kind: OperationKind): Omit<OperationSettings, "dryRun"> {
  const { args } = context;
  const parallel = args.text("parallel") ?? context.env.PULUMI_PARALLEL;
  const limit = parallel === undefined ? undefined : Number(parallel);
  if (limit !== undefined && !Number.isInteger(limit))
    throw new UsageError(`invalid argument "${parallel ?? ""}" for "--parallel": an integer is allowed`);
  if (args.flag("run-program") && (kind === "refresh" || kind === "destroy")) {
    throw new UsageError(
      `--run-program is not in the embedded engine: ${kind} uses the configuration stored in the state; run up first, or install Pulumi`,
    );
  }
  const only = args.list("target-replace");
  return {
    kind,
    message: args.text("message") ?? "",
    // As in Pulumi, zero and less mean no limit.
    parallel: limit !== undefined && limit < 1 ? Number.MAX_SAFE_INTEGER : limit,
    targets: [...args.list("target"), ...only],
    targetDependents: args.flag("target-dependents"),
    replace: [...args.list("replace"), ...only],
    refresh: args.flag("refresh"),
    clearPendingCreates: args.flag("clear-pending-creates"),
    continueOnError: args.flag("continue-on-error"),
    expectNoChanges: args.flag("expect-no-changes"),
    client: args.text("client"),
  };
}

function displayOf(context: Context, settings: OperationSettings): Reporter {
  const { args } = context;
  const shown = {
    colour: context.colour,
    showSecrets: args.flag("show-secrets"),
    suppressOutputs: args.flag("suppress-outputs"),
    showSames: args.flag("show-sames"),
    diff: args.flag("diff"),
  };
  if (!args.flag("json")) {
    // A dumb terminal cannot move its cursor.
    if (!context.interactive || shown.diff || context.env.TERM === "dumb")
      return new PlainDisplay((text) => context.out(text), shown);
    const { stdout } = process;
    const { LC_ALL, LC_CTYPE, LANG } = context.env;
    const locale = [LC_ALL, LC_CTYPE, LANG].find((value) => value !== undefined && value !== "");
    return new TreeDisplay(
      {
        write: (text) => stdout.write(text),
        // Some terminals do not know their size.
        size: () => ({ columns: stdout.columns || 80, rows: stdout.rows || 24 }),
        utf8: /utf-?8/i.test(locale ?? ""),
      },
      shown,
    );
  }
  if (settings.dryRun) return new PreviewDigest((text) => context.out(text));
  return new EventRecorder((event) => context.out(`${JSON.stringify(event)}\n`));
}

/** Where events are to be recorded, besides being shown. */
function eventLogOf(context: Context, stack: Stack): EventSink | undefined {
  const place = context.args.text("event-log");
  if (place === undefined || place === "") return undefined;
  return openEventLog(place, () => {
    const protocol = loadProtocol(programOf(stack.project).folder, true);
    return { grpc: protocol.grpc, services: protocol.eventService(), messages: protocol.eventMessages() };
  });
}

async function perform(context: Context, stack: Stack, settings: OperationSettings): Promise<void> {
  const log = eventLogOf(context, stack);
  const display = displayOf(context, settings);
  const reporter = log === undefined ? display : broadcast([display, new EventRecorder((event) => log.write(event))]);
  const operation = new Operation(stack, settings, reporter, context.env);
  let interrupts = 0;
  let release: () => void = () => undefined;
  const onSignal = (): void => {
    interrupts += 1;
    if (interrupts === 1) {
      context.out(
        "^C received; cancelling. If you would like to terminate immediately, press ^C again.\nNote that terminating immediately may lead to orphaned resources and other inconsistencies.\n",
      );
      operation.cancel();
      return;
    }
    killChildren();
    release();
    process.exit(EXIT.cancelled);
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  try {
    await operation.perform((unlock) => (release = unlock));
  } finally {
    await log?.close();
    process.off("SIGINT", onSignal);
    process.off("SIGTERM", onSignal);
  }
}

async function confirm(context: Context, what: string): Promise<void> {
  const given = await answer(context, `Do you want to perform this ${what}? Type yes to go ahead: `);
  if (given.toLowerCase() !== "yes") throw declined();
}

function setConfig(context: Context, stack: Stack): void {
  const pairs = context.args.list("config");
  if (pairs.length === 0) return;
  const { config } = stack;
  for (const pair of pairs) {
    const at = pair.indexOf("=");
    if (at < 0) throw new UsageError(`--config is "${pair}"; key=value is allowed`);
    config.set(pair.slice(0, at), pair.slice(at + 1), { secret: false, path: context.args.flag("config-path") }, () =>
      stack.crypter(),
    );
  }
  config.save();
}

async function previewThen(context: Context, kind: OperationKind): Promise<void> {
  const stack = stackOf(context).requireExisting();
  const settings = settingsOf(context, kind);
  const { args } = context;
  const yes = isSure(context);
  const skipPreview = args.flag("skip-preview") || context.env.PULUMI_SKIP_PREVIEW === "true";
  const only = args.flag("preview-only");
  if (!yes && !skipPreview && !only && !context.interactive) {
    throw new UsageError("--yes or --skip-preview must be passed in to proceed when running in non-interactive mode");
  }
  setConfig(context, stack);
  if (!skipPreview || only) await perform(context, stack, { ...settings, dryRun: true });
  if (only) return;
  if (!yes && !skipPreview) await confirm(context, kind);
  await perform(context, stack, { ...settings, dryRun: false });
  if (kind === "destroy" && args.flag("remove")) {
    stack.backend.removeStack(stack.name);
    context.out(`The resources in the stack have been deleted, and the stack itself has been removed.\n`);
  }
}

export const up: Command = {
  usage: "up",
  about: "Create or update the resources in a stack",
  flags: { ...COMMON, ...REFRESH_FIRST, ...PROGRAM },
  arguments: [0, 0],
  run: (context) => previewThen(context, "update"),
};

export const preview: Command = {
  usage: "preview",
  about: "Show a preview of updates to a stack's resources",
  flags: { ...COMMON, ...REFRESH_FIRST, ...PROGRAM },
  arguments: [0, 0],
  async run(context) {
    const stack = stackOf(context).requireExisting();
    setConfig(context, stack);
    await perform(context, stack, { ...settingsOf(context, "preview"), dryRun: true });
  },
};

export const refresh: Command = {
  usage: "refresh",
  about: "Bring a stack's state in line with what its resources are",
  flags: { ...COMMON, ...CLEAR, "preview-only": { kind: "boolean", about: "Only preview" } },
  arguments: [0, 0],
  run: (context) => previewThen(context, "refresh"),
};

export const destroy: Command = {
  usage: "destroy",
  about: "Destroy all resources of a stack",
  flags: {
    ...COMMON,
    ...REFRESH_FIRST,
    remove: { kind: "boolean", about: "Remove the stack as well" },
    "preview-only": { kind: "boolean", about: "Only preview" },
  },
  arguments: [0, 0],
  run: (context) => previewThen(context, "destroy"),
};

export const cancel: Command = {
  usage: "cancel [stack]",
  about: "Remove the locks of a stack whose operation is gone",
  flags: { ...STACK_FLAG, ...YES_FLAG },
  arguments: [0, 1],
  async run(context) {
    const stack = stackOf(context, context.args.positional[0] ?? context.args.text("stack")).requireExisting();
    const { stack: name } = stack.name;
    await confirmByName(context, `This will irreversibly cancel the currently running update for '${name}'!`, name);
    stack.backend.removeLocks(stack.name);
    context.out(`The currently running update for '${stack.name.stack}' has been canceled!\n`);
  },
};

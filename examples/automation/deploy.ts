// A program that deploys by itself, with Pulumi's Automation API, and shows how far it is: for services, pipelines and tools
// of your own. It uses `pulumi` where that is installed, and the engine that comes with the package otherwise.
import { join } from "node:path";
import {
  type ConfigMap,
  type EngineEvent,
  LocalWorkspace,
  PulumiCommand,
  type OutputMap,
  type Stack,
} from "@pulumi/pulumi/automation";
import { engineRoot } from "pulumi-ibm-vpc-identity/engine";
import program = require("./index");

const ACTIONS = ["preview", "up", "refresh", "destroy"] as const;
type Action = (typeof ACTIONS)[number];

interface CommandLine {
  readonly action: Action;
  readonly stackName: string;
  readonly settings: ConfigMap;
}

const USAGE = "usage: npm start -- preview|up|refresh|destroy <stack> [<setting>=<value> ...]";

async function main(args: readonly string[]): Promise<number> {
  const line = commandLine(args);
  if (typeof line === "string") {
    console.error(`${line}\n${USAGE}`);
    return 2;
  }
  const { action, stackName, settings } = line;
  const stack = await LocalWorkspace.createOrSelectStack(
    { stackName, projectName: "automation", program },
    // The engine starts the provider of the resources from here, and finds the package by this folder's node_modules.
    { workDir: join(__dirname, ".."), pulumiCommand: await engine() },
  );
  if (Object.keys(settings).length > 0) await stack.setAllConfig(settings);
  return perform(stack, action);
}

/** What to do, or what is wrong with how it was asked for. */
function commandLine([action, stackName, ...rest]: readonly string[]): CommandLine | string {
  const known = ACTIONS.find((name) => name === action);
  const wrong = rest.filter((text) => !/^\w+=./.test(text));
  const problems = [
    ...(known === undefined ? [action === undefined ? "an action is missing" : `"${action}" is no action`] : []),
    ...(stackName === undefined ? ["the name of a stack is missing"] : []),
    ...wrong.map((text) => `"${text}" is not of the form <setting>=<value>`),
  ];
  if (known === undefined || stackName === undefined || problems.length > 0) return problems.join("\n");
  const settings = rest.map((text) => {
    const [key] = text.split("=", 1);
    return [key, { value: text.slice(key.length + 1) }];
  });
  return { action: known, stackName, settings: Object.fromEntries(settings) };
}

/** `pulumi` on PATH, or the embedded engine. One that is there and does not work is an error, and no reason to take the other. */
async function engine(): Promise<PulumiCommand> {
  try {
    const installed = await PulumiCommand.get();
    console.log(`engine: pulumi ${installed.version}`);
    return installed;
  } catch (error) {
    if (!String(error).includes("ENOENT")) throw error;
    const embedded = await PulumiCommand.get({ root: engineRoot });
    console.log(`engine: the embedded one, as there is no pulumi on PATH (${embedded.version})`);
    return embedded;
  }
}

async function perform(stack: Stack, action: Action): Promise<number> {
  const progress = new Progress();
  const onEvent = (event: EngineEvent): void => progress.show(event);
  try {
    switch (action) {
      case "preview":
        await stack.preview({ onEvent });
        break;
      case "up":
        showOutputs((await stack.up({ onEvent })).outputs);
        break;
      case "refresh":
        await stack.refresh({ onEvent });
        break;
      case "destroy":
        await stack.destroy({ onEvent });
        break;
    }
    return 0;
  } catch (error) {
    // The message repeats everything that the engine has written; what mattered in it has been shown already.
    if (!progress.hasShownErrors) throw error;
    console.error(`${action} failed`);
    return 1;
  }
}

const DOING: Readonly<Record<string, string>> = {
  create: "creating",
  update: "updating",
  delete: "deleting",
  replace: "replacing",
  "create-replacement": "creating anew",
  "delete-replaced": "deleting the old",
  refresh: "refreshing",
};

/** One line for each thing that begins or ends, so that it reads well in the log of a pipeline, too. */
class Progress {
  readonly #errors = new Set<string>();
  readonly #begun = new Map<string, number>();

  get hasShownErrors(): boolean {
    return this.#errors.size > 0;
  }

  show({ resourcePreEvent, resOutputsEvent, resOpFailedEvent, diagnosticEvent, summaryEvent }: EngineEvent): void {
    if (resourcePreEvent !== undefined) {
      const { op, urn } = resourcePreEvent.metadata;
      if (DOING[op] === undefined) return;
      if (resourcePreEvent.planning) {
        console.log(`  planned: ${op} ${nameOf(urn)}`);
        return;
      }
      this.#begun.set(urn, Date.now());
      console.log(`  ${DOING[op]} ${nameOf(urn)}`);
    } else if (resOutputsEvent !== undefined) {
      this.#ended(resOutputsEvent.metadata.urn, "done in");
    } else if (resOpFailedEvent !== undefined) {
      this.#ended(resOpFailedEvent.metadata.urn, "failed after");
    } else if (diagnosticEvent !== undefined) {
      const { severity, message, urn, ephemeral } = diagnosticEvent;
      // What a program inside this process throws is reported twice: by the program and by the engine.
      if (ephemeral || this.#errors.has(message)) return;
      if (severity === "error") this.#errors.add(message);
      console.error(`  ${severity}: ${urn ? `${nameOf(urn)}: ` : ""}${message.trimEnd()}`);
    } else if (summaryEvent !== undefined) {
      const { resourceChanges, durationSeconds } = summaryEvent;
      const changes = Object.entries(resourceChanges).map(([op, count]) => `${count} ${op}`);
      console.log(`${changes.join(", ") || "nothing"} in ${durationSeconds} s`);
    }
  }

  #ended(urn: string, how: string): void {
    const begun = this.#begun.get(urn);
    if (begun === undefined) return;
    this.#begun.delete(urn);
    console.log(`    ${nameOf(urn)} ${how} ${((Date.now() - begun) / 1000).toFixed(1)} s`);
  }
}

/** "TrustedProfile app" of `urn:pulumi:dev::automation::...$pulumi-nodejs:dynamic/vpc-identity:TrustedProfile::app`. */
function nameOf(urn: string): string {
  const [, , type = "", name = ""] = urn.split("::");
  return `${type.split(":").at(-1)} ${name}`;
}

function showOutputs(outputs: OutputMap): void {
  for (const [name, { value, secret }] of Object.entries(outputs)) {
    console.log(`${name}: ${secret ? "[secret]" : String(value)}`);
  }
}

main(process.argv.slice(2)).then(
  (exitCode) => {
    process.exitCode = exitCode;
  },
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  },
);

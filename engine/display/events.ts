/**
 * The run as Pulumi's engine events: JSON objects, for `--event-log`, `--json` and the Automation API. They go to a file, one a line, or
 * to a listener of the Automation API, whose address looks like `tcp://127.0.0.1:1234`.
 */
import { appendFileSync } from "node:fs";
import type * as grpc from "@grpc/grpc-js";
import type * as eventService from "@pulumi/pulumi/proto/events_grpc_pb";
import type * as eventMessages from "@pulumi/pulumi/proto/events_pb";
import { messageOf, UserError } from "../errors";
import { type ResourceState } from "../model/resource";
import { maskSecrets } from "../model/values";
import { type Diagnostic, type Prelude, type Reporter, type Step, type Summary } from "./reporter";

type JsonObject = Record<string, unknown>;

export interface EventSink {
  write(event: JsonObject): void;
  close(): Promise<void>;
}

function stateOf(state: ResourceState | undefined): JsonObject | undefined {
  if (state === undefined) return undefined;
  const { urn, type, custom, id = "", parent = "", protect, provider = "", initErrors } = state;
  const inputs = maskSecrets(state.inputs ?? {});
  const outputs = maskSecrets(state.outputs ?? {});
  return {
    type,
    urn,
    custom,
    ...(state.delete === true ? { delete: true } : {}),
    id,
    parent,
    ...(protect === true ? { protect } : {}),
    ...(state.retainOnDelete === true ? { retainOnDelete: true } : {}),
    inputs,
    outputs,
    provider,
    ...(initErrors !== undefined && initErrors.length > 0 ? { initErrors } : {}),
  };
}

function metadataOf(step: Step): JsonObject {
  const keys = (step.changedKeys ?? []).filter((key) => key !== "__provider");
  const replaces = new Set(step.replaceKeys);
  const kindOf = (key: string): string => {
    const before = key in (step.old?.inputs ?? {});
    const kind = before ? (key in (step.now?.inputs ?? {}) ? "update" : "delete") : "add";
    return replaces.has(key) ? `${kind}-replace` : kind;
  };
  const details = Object.fromEntries(keys.map((key) => [key, { diffKind: kindOf(key), inputDiff: true }]));
  return {
    op: step.kind,
    urn: step.urn,
    type: step.type,
    old: stateOf(step.old) ?? null,
    new: step.kind === "delete" || step.kind === "delete-replaced" ? null : (stateOf(step.now) ?? null),
    ...(replaces.size > 0 ? { keys: [...replaces] } : {}),
    ...(keys.length > 0 ? { diffs: keys, detailedDiff: details } : { detailedDiff: null }),
    logical: true,
    provider: step.now?.provider ?? step.old?.provider ?? "",
  };
}

export class EventRecorder implements Reporter {
  private sequence = 0;
  private planning = false;

  constructor(private readonly write: (event: JsonObject) => void) {}

  private send(event: JsonObject): void {
    this.write({ sequence: this.sequence, timestamp: Math.floor(Date.now() / 1000), ...event });
    this.sequence += 1;
  }

  begin(prelude: Prelude): void {
    this.planning = prelude.dryRun;
    this.send({ preludeEvent: { config: prelude.config } });
  }

  stepStarted(step: Step): void {
    this.send({ resourcePreEvent: { metadata: metadataOf(step), ...(this.planning ? { planning: true } : {}) } });
  }

  stepEnded(step: Step): void {
    this.send({ resOutputsEvent: { metadata: metadataOf(step), ...(this.planning ? { planning: true } : {}) } });
  }

  stepFailed(step: Step): void {
    this.send({ resOpFailedEvent: { metadata: metadataOf(step), status: 0, steps: 0 } });
  }

  diagnostic({ urn, severity, message, ephemeral }: Diagnostic): void {
    const prefix = severity === "warning" || severity === "error" ? `${severity}: ` : "";
    const event = {
      urn,
      prefix,
      message: `${message.trimEnd()}\n`,
      color: "never",
      severity,
      ...(ephemeral === true ? { ephemeral } : {}),
    };
    this.send({ diagnosticEvent: event });
  }

  outputs(): void {
    // The stack's own step carries them.
  }

  end(summary: Summary): void {
    const { durationSeconds, changes } = summary;
    const summaryEvent = {
      maybeCorrupt: false,
      durationSeconds: Math.round(durationSeconds),
      resourceChanges: changes,
      policyPacks: {},
      isPreview: this.planning,
    };
    this.send({ summaryEvent });
    this.send({ cancelEvent: {} });
  }
}

/** `preview --json`: everything in one object at the end. */
export class PreviewDigest implements Reporter {
  private readonly steps: JsonObject[] = [];
  private readonly diagnostics: JsonObject[] = [];
  private config: Record<string, string> = {};

  constructor(private readonly out: (text: string) => void) {}

  begin(prelude: Prelude): void {
    this.config = prelude.config;
  }

  stepStarted(): void {
    // Known when it has ended.
  }

  stepEnded(step: Step): void {
    const { op, urn, provider, old, new: now, diffs, detailedDiff } = metadataOf(step);
    this.steps.push({
      op,
      urn,
      provider,
      ...(old === null ? {} : { oldState: old }),
      ...(now === null ? {} : { newState: now }),
      diffReasons: diffs ?? null,
      detailedDiff,
    });
  }

  stepFailed(): void {
    // Its diagnostic says it all.
  }

  diagnostic({ urn, severity, message, ephemeral }: Diagnostic): void {
    if (ephemeral !== true) this.diagnostics.push({ urn, severity, message });
  }

  outputs(): void {
    // The stack's own step carries them.
  }

  end(summary: Summary): void {
    const digest = {
      config: this.config,
      steps: this.steps,
      diagnostics: this.diagnostics,
      duration: Math.round(summary.durationSeconds * 1e9),
      changeSummary: summary.changes,
      maybeCorrupt: false,
    };
    this.out(`${JSON.stringify(digest, undefined, 4)}\n`);
  }
}

function fileSink(file: string): EventSink {
  return {
    write(event) {
      try {
        appendFileSync(file, `${JSON.stringify(event)}\n`);
      } catch (error) {
        throw new UserError(`The event log ${file} cannot be written: ${messageOf(error)}`);
      }
    },
    close: async () => undefined,
  };
}

interface EventProtocol {
  readonly grpc: typeof grpc;
  readonly services: typeof eventService;
  readonly messages: typeof eventMessages;
}

function streamSink(address: string, protocol: EventProtocol): EventSink {
  const client = new protocol.services.EventsClient(address, protocol.grpc.credentials.createInsecure());
  let ended: () => void = () => undefined;
  const done = new Promise<void>((resolve) => (ended = resolve));
  // A listener that went away is no reason to stop an update.
  const stream = client.streamEvents(() => ended());
  stream.on("error", () => ended());
  return {
    write(event) {
      const request = new protocol.messages.EventRequest();
      request.setEvent(JSON.stringify(event));
      stream.write(request);
    },
    async close() {
      stream.end();
      await done;
      client.close();
    },
  };
}

export function openEventLog(place: string, loadProtocol: () => EventProtocol): EventSink {
  return place.startsWith("tcp://") ? streamSink(place.slice("tcp://".length), loadProtocol()) : fileSink(place);
}

/** What happens in a run, as told to whoever shows or records it. The engine reports; it never prints. */
import { type ResourceState } from "../model/resource";
import { type Properties } from "../model/values";

export type StepKind =
  | "same"
  | "create"
  | "update"
  | "delete"
  | "replace"
  | "create-replacement"
  | "delete-replaced"
  | "read"
  | "read-replacement"
  | "refresh"
  | "discard"
  | "discard-replaced"
  | "import"
  | "import-replacement";

export interface Step {
  readonly kind: StepKind;
  readonly urn: string;
  readonly type: string;
  readonly old?: ResourceState | undefined;
  readonly now?: ResourceState | undefined;
  /** Top-level properties that changed, and those that make a replacement necessary. */
  readonly changedKeys?: readonly string[] | undefined;
  readonly replaceKeys?: readonly string[] | undefined;
}

export type Severity = "debug" | "info" | "info#err" | "warning" | "error";

export interface Diagnostic {
  /** Empty for the run as a whole, which is shown on the stack. */
  readonly urn: string;
  readonly severity: Severity;
  readonly message: string;
  /** Worth showing while it happens, not worth keeping. */
  readonly ephemeral?: boolean;
}

export type OperationKind = "update" | "preview" | "refresh" | "destroy";

export interface Prelude {
  readonly operation: OperationKind;
  readonly dryRun: boolean;
  readonly stack: string;
  readonly project: string;
  /** As text; secrets are blanked. */
  readonly config: Record<string, string>;
}

export interface Summary {
  /** Resources by what was done to them. */
  readonly changes: Readonly<Partial<Record<StepKind, number>>>;
  /** Resources, the stack included, that an error was reported on. */
  readonly errored: number;
  readonly durationSeconds: number;
  readonly failed: boolean;
}

export interface Reporter {
  begin(prelude: Prelude): void;
  stepStarted(step: Step): void;
  stepEnded(step: Step): void;
  stepFailed(step: Step): void;
  diagnostic(diagnostic: Diagnostic): void;
  outputs(outputs: Properties | undefined, old: Properties | undefined): void;
  end(summary: Summary): void;
}

/** Tells several listeners. */
export function broadcast(reporters: readonly Reporter[]): Reporter {
  return {
    begin: (prelude) => reporters.forEach((reporter) => reporter.begin(prelude)),
    stepStarted: (step) => reporters.forEach((reporter) => reporter.stepStarted(step)),
    stepEnded: (step) => reporters.forEach((reporter) => reporter.stepEnded(step)),
    stepFailed: (step) => reporters.forEach((reporter) => reporter.stepFailed(step)),
    diagnostic: (diagnostic) => reporters.forEach((reporter) => reporter.diagnostic(diagnostic)),
    outputs: (outputs, old) => reporters.forEach((reporter) => reporter.outputs(outputs, old)),
    end: (summary) => reporters.forEach((reporter) => reporter.end(summary)),
  };
}

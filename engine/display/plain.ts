/** The display for pipes and logs: one line per event, nothing that moves. */
import { isProviderType } from "../model/urn";
import { type Properties } from "../model/values";
import { type Diagnostic, type Prelude, type Reporter, type Step, type Summary } from "./reporter";
import {
  changeLines,
  diffNote,
  durationText,
  header,
  label,
  outputLines,
  painter,
  problemPrefix,
  summaryLines,
  WORDS,
  type Paint,
} from "./text";

export interface DisplaySettings {
  readonly colour: boolean;
  readonly showSecrets: boolean;
  readonly suppressOutputs: boolean;
  readonly showSames: boolean;
  /** Show what changes in full. */
  readonly diff: boolean;
}

export class PlainDisplay implements Reporter {
  protected dryRun = false;
  protected readonly paint: Paint;
  private readonly starts = new Map<string, number>();
  private readonly diagnostics = new Map<string, Diagnostic[]>();

  constructor(
    protected readonly write: (text: string) => void,
    protected readonly settings: DisplaySettings,
  ) {
    this.paint = painter(settings.colour);
  }

  protected line(text: string): void {
    this.write(`${text}\n`);
  }

  begin(prelude: Prelude): void {
    this.dryRun = prelude.dryRun;
    this.line(this.paint("bold", header(prelude)));
    this.line("");
  }

  private step(step: Step, text: string): void {
    const { sign, colour } = WORDS[step.kind];
    const note = diffNote(step);
    this.line(` ${this.paint(colour, sign)} ${label(step.urn)} ${text}${note === "" ? "" : ` ${note}`}`);
    if (!this.settings.diff) return;
    for (const line of changeLines(step, this.settings.showSecrets)) this.line(line);
  }

  stepStarted(step: Step): void {
    if (isProviderType(step.type)) return;
    this.starts.set(step.urn, Date.now());
    if (step.kind !== "same" && !this.dryRun)
      this.step(step, this.paint(WORDS[step.kind].colour, `${WORDS[step.kind].doing} (0s)`));
  }

  stepEnded(step: Step): void {
    if (isProviderType(step.type)) return;
    if (step.kind === "same") {
      if (this.settings.showSames) this.step(step, "");
      return;
    }
    const { done, plan, colour } = WORDS[step.kind];
    const seconds = (Date.now() - (this.starts.get(step.urn) ?? Date.now())) / 1000;
    this.step(step, this.paint(colour, this.dryRun ? plan : `${done} (${seconds.toFixed(seconds < 10 ? 2 : 0)}s)`));
  }

  stepFailed(step: Step): void {
    if (!isProviderType(step.type)) this.step(step, this.paint("red", `${WORDS[step.kind].doing} failed`));
  }

  diagnostic(diagnostic: Diagnostic): void {
    if (diagnostic.severity === "debug") return;
    this.live(diagnostic, `${problemPrefix(diagnostic)}${diagnostic.message}`.trimEnd());
    if (diagnostic.ephemeral === true) return;
    const list = this.diagnostics.get(diagnostic.urn) ?? [];
    list.push(diagnostic);
    this.diagnostics.set(diagnostic.urn, list);
  }

  /** Shows a diagnostic while things go on; all but ephemeral ones come again at the end. */
  protected live(diagnostic: Diagnostic, text: string): void {
    for (const line of text.split("\n")) this.line(`    ${label(diagnostic.urn)} ${line}`);
  }

  outputs(outputs: Properties | undefined): void {
    this.showDiagnostics();
    if (this.settings.suppressOutputs || outputs === undefined || Object.keys(outputs).length === 0) return;
    this.line(this.paint("magenta", "Outputs:"));
    for (const line of outputLines(outputs, this.settings.showSecrets)) this.line(line);
    this.line("");
  }

  private showDiagnostics(): void {
    if (this.diagnostics.size > 0) this.line(`\n${this.paint("magenta", "Diagnostics:")}`);
    for (const [urn, list] of this.diagnostics) {
      const [type, name] = label(urn).split(" ");
      this.line(this.paint("blue", `  ${type ?? ""} (${name ?? ""}):`));
      for (const entry of list) {
        const colour = entry.severity === "error" ? "red" : entry.severity === "warning" ? "yellow" : "dim";
        const text = `${problemPrefix(entry)}${entry.message}`.trimEnd();
        for (const line of text.split("\n"))
          this.line(`    ${entry.severity.startsWith("info") ? line : this.paint(colour, line)}`);
      }
      this.line("");
    }
    this.diagnostics.clear();
  }

  end(summary: Summary): void {
    for (const line of summaryLines(summary, this.dryRun, this.paint)) this.line(line);
    this.line("");
    this.line(`Duration: ${durationText(summary.durationSeconds)}`);
    this.line("");
  }
}

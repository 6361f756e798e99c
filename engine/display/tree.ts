/** The display for terminals: a tree of resources that is redrawn in place while the run goes on. */
import { isProviderType, parseUrn } from "../model/urn";
import { type Properties } from "../model/values";
import { PlainDisplay, type DisplaySettings } from "./plain";
import { type Diagnostic, type Prelude, type Step } from "./reporter";
import { diffNote, header, WORDS } from "./text";

const FRAME_MS = 120;
const SPINNER = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const PLAIN_SPINNER = ["|", "/", "-", "\\"];

export interface Terminal {
  /** Whether it shows more than ASCII. */
  readonly utf8: boolean;
  write(text: string): void;
  size(): { columns: number; rows: number };
}

interface Row {
  readonly urn: string;
  parent: string | undefined;
  step: Step;
  state: "running" | "done" | "failed";
  since: number;
  until: number;
  /** The last thing that was said about it. */
  note: string;
}

export class TreeDisplay extends PlainDisplay {
  private readonly rows = new Map<string, Row>();
  private drawn = 0;
  private frame = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly terminal: Terminal,
    settings: DisplaySettings,
  ) {
    super((text) => terminal.write(text), settings);
  }

  override begin(prelude: Prelude): void {
    this.dryRun = prelude.dryRun;
    this.line(this.paint("bold", header(prelude)));
    this.timer = setInterval(() => this.draw(), FRAME_MS);
    this.timer.unref();
  }

  override stepStarted(step: Step): void {
    this.note(step, "running");
  }

  override stepEnded(step: Step): void {
    this.note(step, "done");
  }

  override stepFailed(step: Step): void {
    this.note(step, "failed");
  }

  private note(step: Step, state: Row["state"]): void {
    if (isProviderType(step.type)) return;
    const known = this.rows.get(step.urn);
    const parent = step.now?.parent ?? step.old?.parent;
    const now = Date.now();
    if (known === undefined)
      this.rows.set(step.urn, { urn: step.urn, parent, step, state, since: now, until: now, note: "" });
    else
      Object.assign(known, {
        step,
        state,
        parent: parent ?? known.parent,
        until: now,
        ...(state === "running" ? { since: now } : {}),
      });
  }

  protected override live(diagnostic: Diagnostic, text: string): void {
    const row = this.rows.get(diagnostic.urn);
    if (row !== undefined) row.note = text.split("\n")[0] ?? "";
  }

  override outputs(outputs: Properties | undefined): void {
    clearInterval(this.timer);
    this.draw(true);
    this.line("");
    super.outputs(outputs);
  }

  /** Rows in the order of the tree, each with its depth. */
  private ordered(): { row: Row; depth: number }[] {
    const children = new Map<string, Row[]>();
    const roots: Row[] = [];
    for (const row of this.rows.values()) {
      if (row.parent === undefined || !this.rows.has(row.parent)) roots.push(row);
      else children.set(row.parent, [...(children.get(row.parent) ?? []), row]);
    }
    const walk = (rows: readonly Row[], depth: number): { row: Row; depth: number }[] =>
      rows.flatMap((row) => [{ row, depth }, ...walk(children.get(row.urn) ?? [], depth + 1)]);
    return walk(roots, 0);
  }

  private text(row: Row, depth: number, columns: number): string {
    const { sign, colour, doing, done, plan } = WORDS[row.step.kind];
    const { type, name } = parseUrn(row.urn);
    const seconds = Math.round(((row.state === "running" ? Date.now() : row.until) - row.since) / 1000);
    const words = {
      running: `${doing} (${seconds}s)`,
      failed: `${doing} failed`,
      done: this.dryRun ? plan : done === "" ? "" : `${done} (${seconds}s)`,
    };
    const spinner = this.terminal.utf8 ? SPINNER : PLAIN_SPINNER;
    const spin = row.state === "running" ? (spinner[this.frame % spinner.length] ?? "") : " ";
    const status = row.step.kind === "same" ? "" : words[row.state];
    const note = [diffNote(row.step), row.note].filter(Boolean).join(" ");
    const head = `${" ".repeat(depth * 3)}${type}  ${name}`;
    const plain = `${spin}${sign} ${head}  ${status}  ${note}`.trimEnd();
    const shown = plain.length > columns ? `${plain.slice(0, Math.max(0, columns - 3))}...` : plain;
    return row.state === "failed" ? this.paint("red", shown) : this.paint(colour, shown);
  }

  private draw(whole = false): void {
    this.frame += 1;
    const { columns, rows } = this.terminal.size();
    const visible = this.ordered().filter(
      ({ row }) => this.settings.showSames || row.step.kind !== "same" || row.parent === undefined || row.note !== "",
    );
    const lines = visible.map(({ row, depth }) => this.text(row, depth, columns));
    // A frame higher than the screen cannot be redrawn in place: show its end, and all of it at last.
    const room = Math.max(1, rows - 2);
    const frame = whole || lines.length <= room ? lines : lines.slice(-room);
    const back = this.drawn > 0 ? `\u001b[${this.drawn}A` : "";
    this.write(`${back}\u001b[0J${frame.map((line) => `${line}\n`).join("")}`);
    this.drawn = whole ? 0 : frame.length;
  }
}

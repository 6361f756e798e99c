/**
 * How a benchmark tells what it measured: tables and goals, one JSON document for programs or Markdown for people. Every
 * part of `npm run bench` reports in this form, so that the parts can be read, and written down, as one.
 */
import { parseArgs } from "node:util";

export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
}

/** A figure that is to be at most `limit`. Missing one fails nothing: it is said, with how much. */
export interface Goal {
  readonly goal: string;
  readonly seen: number;
  readonly limit: number;
  readonly unit: string;
  /** What stands in the way, said when it is missed. @default - nothing known */
  readonly why?: string;
}

export interface Report {
  readonly tables: readonly Table[];
  readonly goals: readonly Goal[];
}

export interface Options {
  readonly quick: boolean;
  readonly json: boolean;
}

/** `--quick`: less of everything, in seconds in place of minutes. `--json`: one JSON document in place of tables. */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({ args: [...args], options: { quick: { type: "boolean" }, json: { type: "boolean" } } });
  return { quick: values.quick === true, json: values.json === true };
}

/** A goal without a figure is a mistake of the benchmark: it would be neither met nor missed. */
export function print({ json }: Options, report: Report): void {
  const none = report.goals.find(({ seen }) => !Number.isFinite(seen));
  if (none !== undefined) throw new Error(`the goal "${none.goal}" has no figure: ${none.seen}`);
  process.stdout.write(json ? `${JSON.stringify(report)}\n` : `${markdownOf(report)}\n`);
}

export function markdownOf({ tables, goals }: Report): string {
  const parts = tables.map(({ title, columns, rows }) => `${title}\n\n${grid([columns, ...rows])}`);
  return [...parts, goals.map((goal) => `- ${verdictOf(goal)}`).join("\n")].filter((part) => part !== "").join("\n\n");
}

export const isMet = ({ seen, limit }: Goal): boolean => seen <= limit;

/** `met: 8 calls a server: 6 calls (25 % below)` */
export function verdictOf(goal: Goal): string {
  const { goal: text, seen, limit, unit, why } = goal;
  const percent =
    limit === 0 ? "" : ` (${round(Math.abs(seen / limit - 1) * 100, 0)} % ${isMet(goal) ? "below" : "above"})`;
  const reason = isMet(goal) || why === undefined ? "" : `; ${why}`;
  const figure = `${round(seen, 2)}${unit === "" ? "" : ` ${unit}`}`;
  return `${isMet(goal) ? "met" : "MISSED"}: ${text}: ${figure}, at most ${limit}${percent}${reason}`;
}

function grid(rows: Table["rows"]): string {
  const texts = rows.map((row) => row.map(String));
  const widths = (texts[0] ?? []).map((_, column) => Math.max(3, ...texts.map((row) => row[column]?.length ?? 0)));
  const isText = (column: number): boolean =>
    rows.slice(1).some((row) => typeof row[column] === "string" && row[column] !== "-");
  const line = (row: readonly string[]): string =>
    `| ${widths.map((width, column) => (isText(column) ? (row[column] ?? "").padEnd(width) : (row[column] ?? "").padStart(width))).join(" | ")} |`;
  const [head = [], ...body] = texts;
  const rule = `| ${widths.map((width, column) => (isText(column) ? "-".repeat(width) : `${"-".repeat(width - 1)}:`)).join(" | ")} |`;
  return [line(head), rule, ...body.map(line)].join("\n");
}

/** What is told of several runs: whatever else a machine does can only make one slower, so that the fastest says most. */
export const fastest = <T extends { readonly wallMs: number }>(runs: readonly T[]): T =>
  runs.reduce((best, one) => (one.wallMs < best.wallMs ? one : best));

export function round(value: number, digits = 2): number {
  return Number(value.toFixed(digits));
}

export const seconds = (milliseconds: number): number => round(milliseconds / 1000, 2);
export const mebibytes = (bytes: number | undefined): number | string =>
  bytes === undefined ? "-" : round(bytes / 1_048_576, 0);

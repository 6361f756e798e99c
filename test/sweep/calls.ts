/** The calls of an undisturbed run, each named so that another run can be disturbed at the same one. */
import type { Fault, JournalEntry } from "../../emulator";
import type { AnswerShape } from "./answers";

/** The n-th call of a method to a path; `*` stands for what differs between two runs. */
export interface PlannedCall extends AnswerShape {
  readonly method: string;
  readonly path: string;
  /** Calls before it that fit as well. */
  readonly skip: number;
}

const ID = /[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}|^crn[:%]/;

/** Calls of one kind may change places from run to run; which one of them is meant is a matter of counting. */
export function callsOf(
  journal: readonly JournalEntry[],
  shapeOf: (entry: JournalEntry) => AnswerShape,
): PlannedCall[] {
  const calls = journal
    .filter(({ api }) => api !== "instance")
    .map((entry) => ({ method: entry.method, path: pathOf(entry.path), shape: shapeOf(entry) }));
  return calls.map(({ method, path, shape }, index) => {
    const pattern = path
      .split("/")
      .map((segment) => (ID.test(segment) ? "*" : segment))
      .join("/");
    const fits = fitting(pattern);
    const skip = calls.slice(0, index).filter((other) => other.method === method && fits.test(other.path)).length;
    return { method, path: pattern, skip, ...shape };
  });
}

/** Asked of every entry of a run in its order: whether this is the call. */
export function recognise({ method, path, skip }: PlannedCall): (entry: JournalEntry) => boolean {
  const fits = fitting(path);
  let before = 0;
  return (entry) =>
    entry.api !== "instance" && entry.method === method && fits.test(pathOf(entry.path)) && before++ === skip;
}

/**
 * Whether the call that was struck is the one that was meant: in a plan `*` also stands for several parts of a path, and calls
 * change places.
 */
export function isMeant({ method, path, skip }: PlannedCall, journal: readonly JournalEntry[]): boolean {
  const fits = fitting(path);
  const struck = journal
    .filter((entry) => entry.api !== "instance" && entry.method === method && fits.test(pathOf(entry.path)))
    .sort((a, b) => a.index - b.index)[skip];
  return struck !== undefined && new RegExp(`^${onePartEach(path)}$`).test(pathOf(struck.path));
}

const pathOf = (target: string): string => target.split("?")[0] ?? "";

/** The same reading of `*` as that of the fault plan. */
function fitting(pattern: string): RegExp {
  return new RegExp(`^${literally(pattern).replaceAll("\\*", ".*")}$`);
}

const literally = (text: string): string => text.replace(/[\\^$.*|?+()[\]{}]/g, "\\$&");

/** The fault, at this call and no other. */
export const faultAt = ({ method, path, skip }: PlannedCall, fault: Fault): Fault => ({
  ...fault,
  method,
  path,
  skip,
  count: 1,
  where: "cloud",
});

export const nameOfCall = ({ method, path, skip }: PlannedCall): string => `${method} ${path} #${skip + 1}`;

/** What a message that names the call has in it. */
export const mentionOf = ({ method, path }: PlannedCall): RegExp =>
  new RegExp(`${method} http://[^/ ]+${onePartEach(path)}(?![\\w/-])`);

const onePartEach = (path: string): string => literally(path).replaceAll("\\*", "[^/\\s?]+");

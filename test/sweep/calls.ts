/** The calls of an undisturbed run, each named so that another run can be disturbed at the same one. */
import type { Fault, JournalEntry } from "../../emulator";

/** The n-th call of a method to a path; `*` stands for what differs between two runs. */
export interface PlannedCall {
  readonly method: string;
  readonly path: string;
  /** Calls before it that fit as well. */
  readonly skip: number;
}

const ID = /[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}|^crn[:%]/;

/** Calls of one kind may change places from run to run; which one of them is meant is a matter of counting. */
export function callsOf(journal: readonly JournalEntry[]): PlannedCall[] {
  const calls = journal
    .filter(({ api }) => api !== "instance")
    .map(({ method, path }) => ({ method, path: pathOf(path) }));
  return calls.map(({ method, path }, index) => {
    const pattern = path
      .split("/")
      .map((segment) => (ID.test(segment) ? "*" : segment))
      .join("/");
    const fits = fitting(pattern);
    const skip = calls.slice(0, index).filter((other) => other.method === method && fits.test(other.path)).length;
    return { method, path: pattern, skip };
  });
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
  new RegExp(`${method} http://[^/ ]+${literally(path).replaceAll("\\*", "\\S+")}`);

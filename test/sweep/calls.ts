/** The calls of an undisturbed run, each named so that another run can be disturbed at the same one. */
import type { Emulator, Fault, JournalEntry } from "../../emulator";
import type { AnswerShape } from "./answers";

/** The n-th call of a method to a path; `*` stands for what differs between two runs. */
export interface PlannedCall extends AnswerShape {
  readonly method: string;
  readonly path: string;
  /** Calls before it that fit as well, by a plan's reading of `*`: it also stands for several parts of a path. */
  readonly skip: number;
  /** Of these, the ones of its kind: `*` is one part of the path. */
  readonly alike: number;
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
    const before = calls.slice(0, index).filter((other) => other.method === method && fits.test(other.path));
    const alike = before.filter((other) => exactly(pattern).test(other.path)).length;
    return { method, path: pattern, skip: before.length, alike, ...shape };
  });
}

/** Asked of every entry of a run in its order: whether this is the call. */
export function recognise({ method, path, skip }: PlannedCall): (entry: JournalEntry) => boolean {
  const fits = fitting(path);
  let before = 0;
  return (entry) =>
    entry.api !== "instance" && entry.method === method && fits.test(pathOf(entry.path)) && before++ === skip;
}

/** Whether a call, told as method and path, is of the kind that is meant, and not a neighbour that changed places with it. */
export const isMeant = ({ method, path }: PlannedCall, call: string): boolean =>
  call.startsWith(`${method} `) && exactly(path).test(call.slice(method.length + 1));

/** Calls change places between runs, and a wait may need one look less; then a case is planned again. */
const ATTEMPTS = 10;

/** What did not hold in a case, or the calls of a run in which it did not come about as planned. */
export type Outcome =
  | { readonly problems: readonly string[] }
  | {
      readonly missed: readonly JournalEntry[];
      /** The call that was struck in place of the planned one was not answered, so it is not among these. @default false */
      readonly lost?: boolean;
    };

/** What did not hold; undefined when it never came about. */
export async function tryAt(
  planned: PlannedCall,
  attempt: (call: PlannedCall) => Promise<Outcome>,
): Promise<readonly string[] | undefined> {
  let call = planned;
  for (let count = 1; count <= ATTEMPTS; count++) {
    const outcome = await attempt(call);
    if ("problems" in outcome) return outcome.problems;
    call = foundIn(call, outcome.missed, outcome.lost);
  }
  return undefined;
}

/** Method and path of the call that the only fault of the plan has struck; undefined before. */
export async function struckCall({ adminUrl }: Emulator): Promise<string | undefined> {
  const { faults } = (await (await fetch(`${adminUrl}/_emulator/faults`)).json()) as { faults: { last?: string }[] };
  return faults[0]?.last;
}

/** The same call where it was in that run, or the last of its kind where there were fewer; `lost`: the journal lacks the call struck. */
export function foundIn(call: PlannedCall, journal: readonly JournalEntry[], lost = false): PlannedCall {
  const { method, path, skip, alike } = call;
  const fits = fitting(path);
  const paths = journal
    .filter((entry) => entry.api !== "instance" && entry.method === method && fits.test(pathOf(entry.path)))
    .sort((a, b) => a.index - b.index)
    .map((entry) => pathOf(entry.path));
  if (lost) paths.splice(skip, 0, "");
  const places = paths.flatMap((one, place) => (exactly(path).test(one) ? place : []));
  return { ...call, skip: places[alike] ?? places.at(-1) ?? skip };
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

export const nameOfCall = ({ method, path, alike }: PlannedCall): string => `${method} ${path} #${alike + 1}`;

/** What a message that names the call has in it. */
export const mentionOf = ({ method, path }: PlannedCall): RegExp =>
  new RegExp(`${method} http://[^/ ]+${onePartEach(path)}(?![\\w/-])`);

const exactly = (path: string): RegExp => new RegExp(`^${onePartEach(path)}$`);

const onePartEach = (path: string): string => literally(path).replaceAll("\\*", "[^/\\s?]+");

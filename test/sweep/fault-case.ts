/** One fault at one call of one phase of a stack. */
import type { JournalEntry } from "../../emulator";
import { type PlannedCall, faultAt, foundIn, isMeant, mentionOf, nameOfCall } from "./calls";
import { FAULT_KINDS, type FaultKind } from "./fault-kinds";
import { differences } from "./picture";
import { type SweptStack, type Undisturbed, struckCall } from "./swept-stack";

export interface FaultCase {
  readonly undisturbed: Undisturbed;
  readonly call: PlannedCall;
  readonly kind: FaultKind;
}

export const nameOfFault = (stack: string, { undisturbed, call, kind }: FaultCase): string =>
  `${stack} ${undisturbed.phase}, ${nameOfCall(call)}, ${kind}`;

/** Calls change places between runs, and a wait may need one look less; then the fault is planned again. */
const ATTEMPTS = 10;

/** What did not hold; undefined when the fault never struck. */
export async function playFault(swept: SweptStack, faultCase: FaultCase): Promise<readonly string[] | undefined> {
  const { kind } = faultCase;
  let { call } = faultCase;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const outcome = await attemptFault(swept, { ...faultCase, call });
    if ("problems" in outcome) return outcome.problems;
    // Of calls that were not answered there is nothing in the journal.
    call = foundIn(call, outcome.missed, kind === "reset before the effect" || kind === "timeout");
  }
  return undefined;
}

/** What did not hold, or the calls of a run in which the fault did not strike as planned. */
function attemptFault(
  swept: SweptStack,
  { undisturbed, call, kind }: FaultCase,
): Promise<{ problems: readonly string[] } | { missed: readonly JournalEntry[] }> {
  const { phase, before, picture } = undisturbed;
  swept.stack.restore(before);
  return swept.withAccount([faultAt(call, FAULT_KINDS[kind])], async (emulator) => {
    const disturbed = await swept.perform(phase);
    const struck = await struckCall(emulator);
    if (struck === undefined || !isMeant(call, struck)) return { missed: emulator.journal() };
    emulator.setFaults([]);
    const again = await swept.perform(phase);
    const problems = [
      ...differences(swept.picture(emulator), picture),
      ...swept.leaks(emulator, disturbed.output + again.output),
    ];
    const saw = (what: string, { exitCode, output }: typeof again): string =>
      `${what}: exit code ${exitCode}:\n${output}`;
    if (disturbed.exitCode !== 0 && !mentionOf(call).test(disturbed.output))
      problems.push(saw("the message does not name the call that failed", disturbed));
    if (![0, 1].includes(disturbed.exitCode)) problems.push(saw("with the fault", disturbed));
    if (again.exitCode !== 0) problems.push(saw("again, without the fault", again));
    return { problems };
  });
}

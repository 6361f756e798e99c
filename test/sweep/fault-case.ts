/** One fault at one call of one phase of a stack. */
import { type PlannedCall, faultAt, isMeant, mentionOf, nameOfCall } from "./calls";
import { FAULT_KINDS, type FaultKind } from "./fault-kinds";
import { differences } from "./picture";
import { type SweptStack, type Undisturbed, hasStruck } from "./swept-stack";

export interface FaultCase {
  readonly undisturbed: Undisturbed;
  readonly call: PlannedCall;
  readonly kind: FaultKind;
}

export const nameOfFault = (stack: string, { undisturbed, call, kind }: FaultCase): string =>
  `${stack} ${undisturbed.phase}, ${nameOfCall(call)}, ${kind}`;

/** Calls change places between runs, and a wait may need one look less; then the fault is planned again. */
const ATTEMPTS = 3;

/** What did not hold; undefined when the fault never struck. */
export async function playFault(swept: SweptStack, faultCase: FaultCase): Promise<readonly string[] | undefined> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const problems = await attemptFault(swept, faultCase);
    if (problems !== undefined) return problems;
  }
  return undefined;
}

function attemptFault(
  swept: SweptStack,
  { undisturbed, call, kind }: FaultCase,
): Promise<readonly string[] | undefined> {
  const { phase, before, picture } = undisturbed;
  swept.stack.restore(before);
  return swept.withAccount([faultAt(call, FAULT_KINDS[kind])], async (emulator) => {
    const disturbed = await swept.perform(phase);
    if (!(await hasStruck(emulator)) || !isMeant(call, emulator.journal())) return undefined;
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
    return problems;
  });
}

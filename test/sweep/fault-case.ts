/** One fault at one call of one phase of a stack. */
import { type Outcome, type PlannedCall, faultAt, isMeant, mentionOf, nameOfCall, struckCall, tryAt } from "./calls";
import { FAULT_KINDS, type FaultKind } from "./fault-kinds";
import { differences } from "./picture";
import type { SweptStack, Undisturbed } from "./swept-stack";

export interface FaultCase {
  readonly undisturbed: Undisturbed;
  readonly call: PlannedCall;
  readonly kind: FaultKind;
}

export const nameOfFault = (stack: string, { undisturbed, call, kind }: FaultCase): string =>
  `${stack} ${undisturbed.phase}, ${nameOfCall(call)}, ${kind}`;

/** What did not hold; undefined when the fault never struck. */
export const playFault = (swept: SweptStack, faultCase: FaultCase): Promise<readonly string[] | undefined> =>
  tryAt(faultCase.call, (call) => attemptFault(swept, { ...faultCase, call }));

function attemptFault(swept: SweptStack, { undisturbed, call, kind }: FaultCase): Promise<Outcome> {
  const { phase, before, picture } = undisturbed;
  swept.stack.restore(before);
  return swept.withAccount([faultAt(call, FAULT_KINDS[kind])], async (emulator) => {
    const disturbed = await swept.perform(phase);
    const struck = await struckCall(emulator);
    const lost = kind === "reset before the effect" || kind === "timeout";
    if (struck === undefined || !isMeant(call, struck)) return { missed: emulator.journal(), lost };
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

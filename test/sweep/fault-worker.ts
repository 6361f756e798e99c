/** A process of the fault sweep: all cases of a stack. */
import { nameOfFault, playFault } from "./fault-case";
import { KIND_NAMES, applies } from "./fault-kinds";
import { type StackReport, type StackUnit, playCases } from "./stack-units";
import { SweptStack } from "./swept-stack";

export async function work(unit: StackUnit, tell: (report: StackReport) => Promise<void>): Promise<void> {
  const swept = await SweptStack.of(unit.stack);
  try {
    const phases = await swept.undisturbed();
    const cases = phases.flatMap((undisturbed) =>
      undisturbed.calls.flatMap((call) => KIND_NAMES.map((kind) => ({ undisturbed, call, kind }))),
    );
    const deed = {
      play: (one: (typeof cases)[number]) => playFault(swept, one),
      applies: ({ kind, call }: (typeof cases)[number]) => applies(kind, call),
      nameOf: (one: (typeof cases)[number]) => nameOfFault(unit.stack, one),
    };
    await playCases(unit, phases, cases, deed, tell);
  } finally {
    swept.remove();
  }
}

/** A process of the crash sweep: all cases of a stack. */
import { MOMENTS, VICTIMS, isThere, nameOfCrash, playCrash } from "./crash-case";
import { type StackReport, type StackUnit, playCases } from "./stack-units";
import { SweptStack } from "./swept-stack";

export async function work(unit: StackUnit, tell: (report: StackReport) => Promise<void>): Promise<void> {
  const swept = await SweptStack.of(unit.stack);
  try {
    const phases = await swept.undisturbed();
    const cases = phases.flatMap((undisturbed) =>
      undisturbed.calls.flatMap((call) =>
        VICTIMS.flatMap((victim) => MOMENTS.map((moment) => ({ undisturbed, call, victim, moment }))),
      ),
    );
    await playCases(
      unit,
      phases,
      cases,
      { play: (one) => playCrash(swept, one), applies: isThere, nameOf: (one) => nameOfCrash(unit.stack, one) },
      tell,
    );
  } finally {
    swept.remove();
  }
}

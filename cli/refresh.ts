/** `vpc-identity refresh`: reads the real state of every resource into the stack's state. */
import { EXIT, type Command } from "./command";
import { STACK_FLAGS, YES_FLAG, assertAnswerable, confirm, onStack, stackHelp } from "./workspace";

const CLEAR = "clear-pending-creates";
const flags = { ...STACK_FLAGS, ...YES_FLAG, [CLEAR]: { type: "boolean" } as const };

export const command: Command = {
  name: "refresh",
  summary: "Takes over into the state what was changed outside",
  help: stackHelp(flags, [`  --${CLEAR}   forgets creates that were cut off; the next up finds what they made`]),
  flags,
  async run(given) {
    assertAnswerable(given);
    return onStack("refresh", given, async (workspace) => {
      if (!(await confirm("Refresh the stack's state?", given))) return { exitCode: EXIT.failed };
      const clear = given.on(CLEAR) ? [`--${CLEAR}`] : [];
      return { exitCode: await workspace.operate("refresh", ["--yes", "--skip-preview", ...clear]) };
    });
  },
};

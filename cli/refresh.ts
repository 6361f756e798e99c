/** `vpc-identity refresh`: reads the real state of every resource into the stack's state. */
import { EXIT, type Command } from "./command";
import { STACK_FLAGS, STATE_HELP, YES_FLAG, agreed, checkStack, onStack } from "./stack";

const CLEAR = "clear-pending-creates";

export const command: Command = {
  name: "refresh",
  summary: "Takes over into the state what was changed outside",
  help: STATE_HELP,
  flags: {
    ...STACK_FLAGS,
    ...YES_FLAG,
    [CLEAR]: { type: "boolean", about: "forgets creates that were cut off; the next up finds what they made" },
  },
  check: (flags) => checkStack(flags, { asks: true }),
  run: (flags) =>
    onStack("refresh", flags, async (workspace) => {
      if (!(await agreed("Refresh the stack's state?", flags))) return { exitCode: EXIT.failed };
      const clear = flags.on(CLEAR) ? [`--${CLEAR}`] : [];
      return { exitCode: await workspace.operate("refresh", ["--yes", "--skip-preview", ...clear]) };
    }),
};

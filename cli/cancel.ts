/** `vpc-identity cancel`: removes the lock that a killed run has left on a stack. */
import { EXIT, type Command } from "./command";
import { STACK_FLAGS, STATE_HELP, YES_FLAG, agreed, checkStack, onStack } from "./stack";

export const command: Command = {
  name: "cancel",
  summary: "Removes the lock that a killed run has left on the stack",
  help: STATE_HELP,
  flags: { ...STACK_FLAGS, ...YES_FLAG },
  check: (flags) => checkStack(flags, { asks: true }),
  run: (flags) =>
    onStack("cancel", flags, async (workspace) => {
      const question = `Remove the lock of stack ${workspace.options.stack}, whoever holds it?`;
      if (!(await agreed(question, flags))) return { exitCode: EXIT.failed };
      return { exitCode: await workspace.operate("cancel", ["--yes"]) };
    }),
};

/** `vpc-identity destroy`: deletes every resource of the stack; the empty stack and its history stay. */
import { EXIT, type Command } from "./command";
import { STACK_FLAGS, STATE_HELP, YES_FLAG, agreed, checkStack, onStack } from "./stack";

export const command: Command = {
  name: "destroy",
  summary: "Deletes everything the stack made",
  help: STATE_HELP,
  flags: { ...STACK_FLAGS, ...YES_FLAG },
  check: (flags) => checkStack(flags, { asks: true }),
  run: (flags) =>
    onStack("destroy", flags, async (workspace) => {
      const question = `Delete all resources of stack ${workspace.options.stack}?`;
      if (!(await agreed(question, flags))) return { exitCode: EXIT.failed };
      return { exitCode: await workspace.operate("destroy", ["--yes", "--skip-preview"]) };
    }),
};

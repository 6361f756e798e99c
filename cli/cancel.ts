/** `vpc-identity cancel`: removes the lock that a killed run has left on a stack. */
import { EXIT, type Command } from "./command";
import { STACK_FLAGS, YES_FLAG, assertAnswerable, confirm, onStack, stackHelp } from "./workspace";

const flags = { ...STACK_FLAGS, ...YES_FLAG };

export const command: Command = {
  name: "cancel",
  summary: "Removes the lock that a killed run has left on the stack",
  help: stackHelp(flags),
  flags,
  async run(given) {
    assertAnswerable(given);
    return onStack("cancel", given, async (workspace) => {
      const question = `Remove the lock of stack ${workspace.options.stack}, whoever holds it?`;
      if (!(await confirm(question, given))) return { exitCode: EXIT.failed };
      return { exitCode: await workspace.operate("cancel", ["--yes"]) };
    });
  },
};

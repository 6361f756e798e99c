/** `vpc-identity destroy`: deletes every resource of the stack; the empty stack and its history stay. */
import { EXIT, type Command } from "./command";
import { STACK_FLAGS, YES_FLAG, assertAnswerable, confirm, onStack, stackHelp } from "./workspace";

const flags = { ...STACK_FLAGS, ...YES_FLAG };

export const command: Command = {
  name: "destroy",
  summary: "Deletes everything the stack made",
  help: stackHelp(flags),
  flags,
  async run(given) {
    assertAnswerable(given);
    return onStack("destroy", given, async (workspace) => {
      const question = `Delete all resources of stack ${workspace.options.stack}?`;
      if (!(await confirm(question, given))) return { exitCode: EXIT.failed };
      return { exitCode: await workspace.operate("destroy", ["--yes", "--skip-preview"]) };
    });
  },
};

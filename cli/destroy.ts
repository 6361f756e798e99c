/** `vpc-identity destroy`: deletes every resource of the stack; the empty stack and its history stay. */
import { EXIT, type Command } from "./command";
import { STACK_FLAGS, STACK_HELP, Workspace, assertAnswerable, confirm, report } from "./workspace";

export const command: Command = {
  name: "destroy",
  summary: "Deletes everything the stack made",
  help: STACK_HELP,
  flags: STACK_FLAGS,
  async run(flags) {
    assertAnswerable(flags);
    const workspace = await Workspace.open(flags);
    await workspace.setConfig(flags);
    const question = `Delete all resources of stack ${workspace.options.stack}?`;
    if (!(await confirm(question, flags))) return report(flags, workspace, "destroy", EXIT.failed);
    return report(flags, workspace, "destroy", await workspace.operate("destroy", ["--yes", "--skip-preview"]));
  },
};

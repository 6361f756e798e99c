/** `vpc-identity refresh`: reads the real state of every resource into the stack's state. */
import { EXIT, type Command } from "./command";
import { STACK_FLAGS, STACK_HELP, Workspace, assertAnswerable, confirm, report } from "./workspace";

export const command: Command = {
  name: "refresh",
  summary: "Takes over into the state what was changed outside",
  help: STACK_HELP,
  flags: STACK_FLAGS,
  async run(flags) {
    assertAnswerable(flags);
    const workspace = await Workspace.open(flags);
    await workspace.setConfig(flags);
    if (!(await confirm("Refresh the stack's state?", flags))) return report(flags, workspace, "refresh", EXIT.failed);
    return report(flags, workspace, "refresh", await workspace.operate("refresh", ["--yes", "--skip-preview"]));
  },
};

/** `vpc-identity preview`: what `up` would do; changes nothing in the cloud. */
import type { Command } from "./command";
import { STACK_FLAGS, STACK_HELP, Workspace, readConfigPairs, report } from "./workspace";

export const command: Command = {
  name: "preview",
  summary: "Shows what up would do, and every mistake in the arguments",
  help: STACK_HELP,
  flags: STACK_FLAGS,
  async run(flags) {
    readConfigPairs(flags);
    const workspace = await Workspace.open(flags);
    await workspace.ensureStack();
    await workspace.setConfig(flags);
    return report(flags, workspace, "preview", await workspace.operate("preview"));
  },
};

/** `vpc-identity preview`: what `up` would do; changes nothing in the cloud. */
import type { Command } from "./command";
import { CONFIG_FLAGS, STACK_FLAGS, onStack, readConfigPairs, stackHelp } from "./workspace";

const flags = { ...STACK_FLAGS, ...CONFIG_FLAGS };

export const command: Command = {
  name: "preview",
  summary: "Shows what up would do, and every mistake in the arguments",
  help: stackHelp(flags, ["  A stack that does not exist is created."]),
  flags,
  async run(given) {
    readConfigPairs(given);
    return onStack("preview", given, async (workspace) => {
      await workspace.ensureStack();
      await workspace.setConfig(given);
      return { exitCode: await workspace.operate("preview") };
    });
  },
};

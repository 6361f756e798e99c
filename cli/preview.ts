/** `vpc-identity preview`: what `up` would do; changes nothing in the cloud. */
import type { Command } from "./command";
import { CONFIG_FLAGS, NEW_STACK_HELP, STACK_FLAGS, checkConfig, checkStack, onStack, setConfig } from "./stack";

export const command: Command = {
  name: "preview",
  summary: "Shows what up would do, and every mistake in the arguments",
  help: NEW_STACK_HELP,
  flags: { ...STACK_FLAGS, ...CONFIG_FLAGS },
  check: (flags) => [...checkStack(flags), ...checkConfig(flags)],
  run: (flags) =>
    onStack("preview", flags, async (workspace) => {
      await workspace.ensureStack();
      await setConfig(workspace, flags);
      return { exitCode: await workspace.operate("preview") };
    }),
};

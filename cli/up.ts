/** `vpc-identity up`: a preview first, since that is where every mistake in the program's arguments is found. */
import { EXIT, type Command } from "./command";
import {
  CONFIG_FLAGS,
  NEW_STACK_HELP,
  STACK_FLAGS,
  YES_FLAG,
  agreed,
  checkConfig,
  checkStack,
  onStack,
  setConfig,
} from "./stack";

export const command: Command = {
  name: "up",
  summary: "Previews, asks, and brings the stack to what the program says",
  help: NEW_STACK_HELP,
  flags: { ...STACK_FLAGS, ...CONFIG_FLAGS, ...YES_FLAG },
  check: (flags) => [...checkStack(flags, { asks: true }), ...checkConfig(flags)],
  run: (flags) =>
    onStack("up", flags, async (workspace) => {
      await workspace.ensureStack();
      await setConfig(workspace, flags);
      const previewed = await workspace.operate("preview");
      if (previewed !== EXIT.done) return { exitCode: previewed };
      if (!(await agreed("Perform this update?", flags))) return { exitCode: EXIT.failed };
      const exitCode = await workspace.operate("up", ["--yes", "--skip-preview"]);
      return { exitCode, more: { outputs: await workspace.outputs() } };
    }),
};

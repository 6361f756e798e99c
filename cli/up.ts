/** `vpc-identity up`: a preview first, since that is where every mistake in the program's arguments is found. */
import { EXIT, type Command } from "./command";
import {
  CONFIG_FLAGS,
  STACK_FLAGS,
  YES_FLAG,
  assertAnswerable,
  confirm,
  onStack,
  readConfigPairs,
  stackHelp,
} from "./workspace";

const flags = { ...STACK_FLAGS, ...CONFIG_FLAGS, ...YES_FLAG };

export const command: Command = {
  name: "up",
  summary: "Previews, asks, and brings the stack to what the program says",
  help: stackHelp(flags, ["  A stack that does not exist is created."]),
  flags,
  async run(given) {
    assertAnswerable(given);
    readConfigPairs(given);
    return onStack("up", given, async (workspace) => {
      await workspace.ensureStack();
      await workspace.setConfig(given);
      const previewed = await workspace.operate("preview");
      if (previewed !== EXIT.done) return { exitCode: previewed };
      if (!(await confirm("Perform this update?", given))) return { exitCode: EXIT.failed };
      const exitCode = await workspace.operate("up", ["--yes", "--skip-preview"]);
      return { exitCode, more: { outputs: await workspace.outputs() } };
    });
  },
};

/** `vpc-identity up`: a preview first, since that is where every mistake in the program's arguments is found. */
import { EXIT, type Command } from "./command";
import { STACK_FLAGS, STACK_HELP, Workspace, assertAnswerable, confirm, readConfigPairs, report } from "./workspace";

export const command: Command = {
  name: "up",
  summary: "Previews, asks, and brings the stack to what the program says",
  help: STACK_HELP,
  flags: STACK_FLAGS,
  async run(flags) {
    assertAnswerable(flags);
    readConfigPairs(flags);
    const workspace = await Workspace.open(flags);
    await workspace.ensureStack();
    await workspace.setConfig(flags);
    const previewed = await workspace.operate("preview");
    if (previewed !== EXIT.done) return report(flags, workspace, "up", previewed);
    if (!(await confirm("Perform this update?", flags))) return report(flags, workspace, "up", EXIT.failed);
    const exitCode = await workspace.operate("up", ["--yes", "--skip-preview"]);
    return report(flags, workspace, "up", exitCode, { outputs: await workspace.outputs() });
  },
};

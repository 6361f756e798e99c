/** `vpc-identity output`: the stack's outputs, for people or (`--json`) for programs. */
import { EXIT, type Command } from "./command";
import { STACK_FLAGS, STACK_HELP, Workspace } from "./workspace";

export const command: Command = {
  name: "output",
  summary: "Prints the outputs of the stack, such as the profile ids",
  help: `${STACK_HELP}

  --show-secrets            prints secret outputs in clear`,
  flags: { ...STACK_FLAGS, "show-secrets": { type: "boolean" } },
  async run(flags) {
    const workspace = await Workspace.open(flags);
    const outputs = await workspace.outputs(flags.on("show-secrets"));
    if (flags.on("json")) {
      process.stdout.write(`${JSON.stringify(outputs)}\n`);
      return EXIT.done;
    }
    const width = Math.max(0, ...Object.keys(outputs).map((name) => name.length));
    for (const [name, value] of Object.entries(outputs)) {
      process.stdout.write(`  ${name.padEnd(width)}  ${typeof value === "string" ? value : JSON.stringify(value)}\n`);
    }
    return EXIT.done;
  },
};

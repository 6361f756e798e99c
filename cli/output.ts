/** `vpc-identity output`: the stack's outputs, for people or (`--json`) for programs. */
import { EXIT, type Command } from "./command";
import { STACK_FLAGS, Workspace, stackHelp } from "./workspace";

const flags = { ...STACK_FLAGS, "show-secrets": { type: "boolean" } as const };

export const command: Command = {
  name: "output",
  summary: "Prints the outputs of the stack, such as the profile ids",
  help: stackHelp(flags, ["  --show-secrets            prints secret outputs in clear"]),
  flags,
  async run(given) {
    const workspace = await Workspace.open(given);
    const outputs = await workspace.outputs(given.on("show-secrets"));
    if (given.on("json")) {
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

/** `vpc-identity output`: the stack's outputs, for people or (`--json`) for programs. */
import { EXIT, type Command } from "./command";
import { STACK_FLAGS, STATE_HELP, checkStack, openWorkspace } from "./stack";

export const command: Command = {
  name: "output",
  summary: "Prints the outputs of the stack, such as the profile ids",
  help: STATE_HELP,
  flags: {
    ...STACK_FLAGS,
    json: { type: "boolean", about: "the outputs as one JSON object; all else goes to standard error" },
    "show-secrets": { type: "boolean", about: "prints secret outputs in clear" },
  },
  check: (flags) => checkStack(flags),
  async run(flags) {
    const outputs = await (await openWorkspace(flags)).outputs(flags.on("show-secrets"));
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

/** `vpc-identity emulator`: an IBM Cloud account on loopback, until it is interrupted. */
import { startEmulator } from "../emulator";
import { EXIT, type Command } from "./command";

export const command: Command = {
  name: "emulator",
  summary: "Runs the emulated IBM Cloud account on loopback until interrupted",
  help: `Flags:
  --port <n>         port of the IAM and VPC APIs (default: any free one)
  --admin-port <n>   port of inventory, journal and reset (default: any free one)
  --env              prints the variables that point IBM's clients at it, as shell exports
  --json             prints {url, adminUrl, apiKey, accountId, pid} when ready`,
  flags: {
    port: { type: "string" },
    "admin-port": { type: "string" },
    env: { type: "boolean" },
    json: { type: "boolean" },
  },
  async run(flags) {
    const emulator = await startEmulator({ port: flags.port("port") ?? 0, adminPort: flags.port("admin-port") ?? 0 });
    const { url, adminUrl, apiKey, accountId } = emulator;
    if (flags.on("json")) {
      process.stdout.write(`${JSON.stringify({ url, adminUrl, apiKey, accountId, pid: process.pid })}\n`);
    } else if (flags.on("env")) {
      for (const [name, value] of Object.entries(emulator.env)) process.stdout.write(`export ${name}='${value}'\n`);
    } else {
      process.stdout.write(
        `IAM and VPC APIs  ${url}\nadmin             ${adminUrl}/_emulator/inventory, /_emulator/journal\naccount           ${accountId}\n` +
          "Its API key and the variables for IBM's clients: run with --env. Ctrl-C ends it.\n",
      );
    }
    await new Promise<void>((stop) => {
      process.once("SIGINT", stop);
      process.once("SIGTERM", stop);
    });
    await emulator.close();
    return EXIT.done;
  },
};

/**
 * Commands of a README that reach out of this machine, to IBM Cloud or to a server: in the shell that runs the README each is
 * a real command, and a function of the test answers it.
 */
import { rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { quoted } from "../../cli/shell";
import type { BootedServer } from "../../emulator";
import type { ExecResult } from "../../emulator/boot";
import type { Project } from "../support/project";

/** Answers a command: `args` without its own name, `input` as it came by standard input. */
export type StandIn = (args: readonly string[], input: string) => Promise<ExecResult>;

/** Stand-ins by the name of the command. */
export type StandIns = Readonly<Record<string, StandIn>>;

interface Question {
  readonly name: string;
  readonly args: readonly string[];
  readonly input: string;
}

/** Puts the commands into a folder, where they work until it is closed. */
export async function standInFor(folder: string, standIns: StandIns): Promise<{ close(): Promise<void> }> {
  const socket = join(folder, "stand-ins.sock");
  const answer = async (question: Question): Promise<ExecResult> => {
    const { name, args, input } = question;
    const failed = (error: unknown): ExecResult => ({ exitCode: 1, stdout: "", stderr: `${String(error)}\n` });
    return (await standIns[name]?.(args, input).catch(failed)) ?? failed(`no stand-in for ${name}`);
  };
  const server = createServer({ allowHalfOpen: true }, (client) => {
    let question = "";
    client.setEncoding("utf8").on("data", (data: string) => (question += data));
    client.on("end", () => {
      void answer(JSON.parse(question) as Question).then((result) => client.end(JSON.stringify(result)));
    });
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  for (const name of Object.keys(standIns)) {
    const program = `#!${process.execPath}
const input = require("node:fs").readFileSync(0, "utf8");
const socket = require("node:net").connect(${JSON.stringify(socket)});
socket.end(JSON.stringify({ name: ${JSON.stringify(name)}, args: process.argv.slice(2), input }));
let answer = "";
socket.setEncoding("utf8").on("data", (data) => (answer += data)).on("end", () => {
  const { exitCode, stdout, stderr } = JSON.parse(answer);
  process.stdout.write(stdout);
  process.stderr.write(stderr);
  process.exitCode = exitCode;
});
`;
    writeFileSync(join(folder, name), program, { mode: 0o755 });
  }
  return {
    async close() {
      for (const name of Object.keys(standIns)) rmSync(join(folder, name));
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A command on a server that has booted, with its standard input. */
export function onServer(server: BootedServer, command: string, input = ""): Promise<ExecResult> {
  const encoded = Buffer.from(input, "utf8").toString("base64");
  return server.exec(["sh", "-c", `printf %s ${encoded} | base64 -d | { ${command}\n}`]);
}

/** `ssh root@<address> [<command>...]`, to the one server there is; without a command the input is what is typed there. */
export const sshTo =
  (server: BootedServer, address: string): StandIn =>
  async ([destination, ...command], input) => {
    if (destination !== `root@${address}`) {
      return { exitCode: 255, stdout: "", stderr: `ssh: ${String(destination)} is not root@${address}\n` };
    }
    return onServer(server, command.length === 0 ? "sh" : command.join(" "), input);
  };

/** A command that is run on a server in place of this machine. */
export const runOn =
  (server: BootedServer, ...command: readonly string[]): StandIn =>
  (args, input) =>
    onServer(server, [...command, ...args].map(quoted).join(" "), input);

/** The real command, its arguments changed: `curl` to an emulator in place of IBM Cloud. */
export const withArgs =
  (project: Project, command: string, change: (arg: string) => string): StandIn =>
  async (args, input) => {
    const { exitCode, stdout, stderr } = await project.start(command, args.map(change), input).done;
    return { exitCode: exitCode ?? 1, stdout, stderr };
  };

/** How big the package is, as npm packs it, and what each entry point takes to load in a process of its own. */
import { spawnSync } from "node:child_process";
import { REPOSITORY } from "../support/project";
import { mebibytes, print, readOptions, round } from "./report";

interface Packed {
  readonly size: number;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string; readonly size: number }[];
}

const ENTRIES = ["", "/dynamic", "/bootstrap", "/emulator", "/engine"];

function output(command: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: REPOSITORY, encoding: "utf8", timeout: 120_000 });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${String(status)}:\n${stderr}`);
  return stdout;
}

/** Milliseconds, and bytes of memory at the end; `empty` is what Node itself takes. */
function loading(name: string | undefined, rounds: number): { readonly ms: number; readonly bytes: number } {
  const program = `const started = performance.now();
    ${name === undefined ? "" : `require(${JSON.stringify(name)});`}
    console.log(JSON.stringify({ ms: performance.now() - started, bytes: process.memoryUsage.rss() }));`;
  const runs = Array.from(
    { length: rounds },
    () => JSON.parse(output(process.execPath, ["-e", program])) as { ms: number; bytes: number },
  );
  return runs.reduce((best, one) => (one.ms < best.ms ? one : best));
}

/** `--quick`: each entry point is loaded once, in place of the best of three. */
export function main(args: readonly string[]): void {
  const options = readOptions(args);
  const [packed] = JSON.parse(output("npm", ["pack", "--dry-run", "--ignore-scripts", "--json"])) as Packed[];
  if (packed === undefined) throw new Error("npm packed nothing");
  const largest = [...packed.files].sort((a, b) => b.size - a.size).slice(0, 5);
  const names = ENTRIES.map((path) => `pulumi-ibm-vpc-identity${path}`);
  const rowOf = (label: string, name: string | undefined): (string | number)[] => {
    const { ms, bytes } = loading(name, options.quick ? 1 : 3);
    return [label, round(ms, 0), mebibytes(bytes)];
  };
  print(options, {
    tables: [
      {
        title: "The package, in bytes.",
        columns: ["what", "bytes"],
        rows: [
          ["tarball", packed.size],
          [`unpacked, ${packed.files.length} files`, packed.unpackedSize],
          ...largest.map(({ path, size }) => [path, size]),
        ],
      },
      {
        title: "Loading an entry point: milliseconds, and memory of the process then, in MiB.",
        columns: ["what", "milliseconds", "memory"],
        rows: [rowOf("nothing, Node.js alone", undefined), ...names.map((name) => rowOf(name, name))],
      },
    ],
    goals: [{ goal: "size of the tarball", seen: packed.size, limit: 400_000, unit: "bytes" }],
  });
}

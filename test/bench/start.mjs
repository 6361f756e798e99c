// How long a program takes to start: `node test/bench/start.mjs [--quick] [--json]`. Runs the embedded engine (or
// `PULUMI=<path>`) on dist/, so build first.
import { load } from "../emulator/typescript.mjs";

await load("./start.ts", import.meta.url).main(process.argv.slice(2));

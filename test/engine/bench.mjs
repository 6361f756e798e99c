// What the embedded engine costs by itself: `node test/engine/bench.mjs [--quick] [--json]`. Runs it from dist/, so build
// first. PULUMI=<path> measures another command, such as the real CLI.
import { load } from "../emulator/typescript.mjs";

await load("./bench.ts", import.meta.url).main(process.argv.slice(2));

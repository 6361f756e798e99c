// How many API calls the resources cost, and how long it takes: `node test/provider/bench.mjs [--quick] [--json]`.
// Runs programs on the embedded engine (or on `PULUMI=<path>`) from dist/, so build first.
import { load } from "../emulator/typescript.mjs";

await load("./bench.ts", import.meta.url).main(process.argv.slice(2));

// What stacks of linked servers take, from one to five hundred: `node test/bench/servers.mjs [--quick] [--json]`. Runs the
// embedded engine (or `PULUMI=<path>`) on dist/, so build first.
import { load } from "../emulator/typescript.mjs";

await load("./servers.ts", import.meta.url).main(process.argv.slice(2));

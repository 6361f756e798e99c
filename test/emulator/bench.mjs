// How fast the emulator answers on loopback: `node test/emulator/bench.mjs [--quick] [--json]`. It starts itself
// a second time, with the emulator in it, so that load and emulator do not share a process.
import { load } from "./typescript.mjs";

const { main, serve } = load("./bench.ts", import.meta.url);
await (process.send === undefined ? main(process.argv.slice(2), import.meta.filename) : serve());

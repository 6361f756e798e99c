// How fast the emulator answers on loopback: `node test/emulator/bench.mjs [--requests 50000] [--json]`.
import { load } from "./typescript.mjs";

const { main } = load("./bench.ts", import.meta.url);
await main(process.argv.slice(2));

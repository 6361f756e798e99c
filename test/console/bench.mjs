// How smooth the console's page stays under load: `node test/console/bench.mjs [--quick] [--json]`, after `npm run build`. It starts
// itself a second time, with the emulator in it.
import { load } from "../emulator/typescript.mjs";

const { main, serve } = load("./bench.ts", import.meta.url);
await (process.send === undefined ? main(process.argv.slice(2), import.meta.filename) : serve());

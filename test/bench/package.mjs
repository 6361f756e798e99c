// How much is downloaded and installed: `node test/bench/package.mjs [--json]`.
import { load } from "../emulator/typescript.mjs";

load("./package.ts", import.meta.url).main(process.argv.slice(2));

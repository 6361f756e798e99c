// What goes wrong on the way, tried at every point: `npm run sweep` (after `npm run build`; see docs/sweeps.md).
// Last line: `sweep: N passed, N failed[, N skipped]`; exit code 0 when none failed.
import { load } from "../emulator/typescript.mjs";

const { main } = load("./main.ts", import.meta.url);
process.exitCode = await main(process.argv.slice(2));

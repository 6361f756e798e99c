// A server booted for real, with systemd and cloud-init: `npm run test:boot` (as root, after `npm run build`).
// Last line: `boot: N passed, N failed[, N skipped]`; exit code 0 when none failed.
import { load } from "../emulator/typescript.mjs";

const { main } = load("./boot.ts", import.meta.url);
process.exitCode = await main();

// Pictures of the console: `node test/console/screenshots.mjs <folder>`, after `npm run build`.
import { load } from "../emulator/typescript.mjs";

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error("node test/console/screenshots.mjs <folder>");
await load("./screenshots.ts", import.meta.url).main(folder);

// The command `npm run conformance`.
import { load } from "../typescript.mjs";

const { main } = load("./main.ts", import.meta.url);
process.exitCode = await main(process.argv.slice(2));

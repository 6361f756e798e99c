// A process of a sweep: `node worker.mjs <module.ts> <folder>`, whose `work` gets what the sweep sends and answers with what
// is to be told. What it makes lies in that folder.
import { rmSync } from "node:fs";
import { createRequire } from "node:module";
import { load } from "../emulator/typescript.mjs";

// Modules are required anew for every run; each is compiled only once.
const { extensions } = (load("./sweep.ts", import.meta.url), createRequire(import.meta.url));
const compile = extensions[".ts"];
const compiled = new Map();
extensions[".ts"] = (module, name) => {
  const known = compiled.get(name);
  if (known !== undefined) {
    module._compile(known, name);
    return;
  }
  const original = module._compile;
  module._compile = (code, file) => {
    compiled.set(file, code);
    return original.call(module, code, file);
  };
  compile(module, name);
};

const [module, folder] = process.argv.slice(2);
process.env.TMPDIR = folder;
const { work } = load(module, import.meta.url);
process.on("message", async (unit) => {
  const say = (message) => new Promise((resolve) => process.send(message, resolve));
  try {
    await work(unit, say);
    // The SDK's provider makes every exit a failure once anything has been rejected, which is what faults are for.
    process.removeAllListeners("exit");
    process.exit(0);
  } catch (error) {
    await say({ error: error instanceof Error ? error.stack : String(error) });
    process.exit(1);
  }
});
// Whoever asked is gone; it leads a group of processes, all of them its own children.
process.on("disconnect", () => {
  rmSync(folder, { recursive: true, force: true });
  process.kill(-process.pid, "SIGKILL");
});

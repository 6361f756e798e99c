// Runs main.ts without a build: the sources are compiled as they are loaded, by the compiler that the tests use.
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const { transformFileSync } = require("@swc/core");
require.extensions[".ts"] = (module, file) => {
  const { code } = transformFileSync(file, {
    jsc: { parser: { syntax: "typescript" }, target: "es2022", transform: { useDefineForClassFields: false } },
    module: { type: "commonjs" },
    sourceMaps: "inline",
  });
  module._compile(code, file);
};
const { main } = require("./main.ts");
process.exitCode = await main(process.argv.slice(2));

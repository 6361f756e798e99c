// Loads TypeScript without a build: sources are compiled as they are required, by the compiler that the tests use.
import { createRequire } from "node:module";

/** Requires a TypeScript file, relative to the caller. */
export function load(file, from) {
  const require = createRequire(from);
  const { transformFileSync } = require("@swc/core");
  require.extensions[".ts"] = (module, name) => {
    const { code } = transformFileSync(name, {
      jsc: { parser: { syntax: "typescript" }, target: "es2022", transform: { useDefineForClassFields: false } },
      module: { type: "commonjs" },
      sourceMaps: "inline",
    });
    module._compile(code, name);
  };
  return require(file);
}

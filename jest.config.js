const { availableParallelism } = require("node:os");

/** @type {import("jest").Config} */
module.exports = {
  testMatch: ["<rootDir>/test/**/*.test.ts"],
  testPathIgnorePatterns: ["/node_modules/", "/testdata/"],
  transform: {
    "\\.ts$": [
      "@swc/jest",
      {
        jsc: { parser: { syntax: "typescript" }, target: "es2022", transform: { useDefineForClassFields: false } },
        module: { type: "commonjs" },
      },
    ],
  },
  transformIgnorePatterns: ["/node_modules/", "<rootDir>/dist/"],
  coverageProvider: "v8",
  testTimeout: 60_000,
  // Pulumi keeps its state on globals that it shares between copies of itself; jest would warn of each.
  testEnvironmentOptions: { globalsCleanup: "off" },
  // The workers mostly wait for processes that their tests started.
  maxWorkers: 2 * availableParallelism(),
  testSequencer: "<rootDir>/test/sequencer.cjs",
  reporters: ["<rootDir>/test/reporter.cjs"],
};

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
  maxWorkers: 2,
  reporters: ["<rootDir>/test/reporter.cjs"],
};

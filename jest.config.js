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
  maxWorkers: 2,
  reporters: ["<rootDir>/test/reporter.cjs"],
};

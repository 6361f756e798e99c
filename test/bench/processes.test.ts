/** That the benchmark sees what processes take, on a real tree of them: an engine and a child that plays the provider. */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cpuSecondsOf, EngineWatch } from "./processes";

const whereProcIs = existsSync("/proc/self/status") ? describe : describe.skip;

whereProcIs("EngineWatch", () => {
  test("an engine and its provider are seen apart, each with its memory and its processor time", async () => {
    const folder = mkdtempSync(join(tmpdir(), "bench-processes-"));
    try {
      const provider = join(folder, "cmd", "dynamic-provider", "index.js");
      mkdirSync(join(provider, ".."), { recursive: true });
      const work = "const end = process.cpuUsage().user + 5e5; while (process.cpuUsage().user < end);";
      writeFileSync(provider, `const kept = Buffer.alloc(200 * 1048576, 1); ${work} setTimeout(() => kept, 300);`);
      const engine = `require("child_process").spawn(process.execPath, [${JSON.stringify(provider)}]).on("exit", () => setTimeout(() => {}, 200))`;
      const child = spawn(process.execPath, ["-e", engine], { stdio: "ignore" });
      const watch = new EngineWatch(child.pid ?? 0);
      await new Promise((done) => child.once("close", done));
      const uses = watch.stop();
      expect(Object.keys(uses).sort()).toEqual(["engine", "provider"]);
      expect(uses.provider?.peakBytes).toBeGreaterThan(200 * 1_048_576);
      expect(uses.engine?.peakBytes).toBeLessThan(200 * 1_048_576);
      expect(uses.provider?.cpuSeconds).toBeGreaterThanOrEqual(0.5);
      expect(cpuSecondsOf(uses)).toBeGreaterThanOrEqual(uses.provider?.cpuSeconds ?? Infinity);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

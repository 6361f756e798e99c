/** `npm run test:boot` where nothing can be downloaded: it says why there is no server to boot, and that is no failure. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const possible =
  process.getuid?.() === 0 &&
  ["debootstrap", "systemd-nspawn", "socat"].every(
    (tool) => spawnSync("sh", ["-c", `command -v ${tool}`]).status === 0,
  ) &&
  spawnSync("unshare", ["-nmpf", "--mount-proc", "true"]).status === 0;

(possible ? describe : describe.skip)("a mirror that does not answer", () => {
  it("is a reason to skip, with its name", () => {
    const cache = mkdtempSync(join(tmpdir(), "vpc-identity-boot-cache-"));
    const env = { ...process.env, http_proxy: "", BOOT_CACHE: cache, BOOT_MIRROR: "http://127.0.0.1:1/debian" };
    try {
      const { status, stdout } = spawnSync(process.execPath, [join(__dirname, "run.mjs")], {
        env: { ...env, BOOT_COUNTS_FILE: undefined },
        encoding: "utf8",
      });
      expect(stdout).toMatch(
        /skip a server booted by systemd and cloud-init: no Debian root is cached, and http:\/\/127\.0\.0\.1:1\/debian\/dists\/bookworm\/InRelease does not answer: curl: \(7\)/,
      );
      expect(stdout).toMatch(/\nboot: 0 passed, 0 failed, 1 skipped\n$/);
      expect(status).toBe(0);
      expect(readdirSync(cache)).toEqual([]);
    } finally {
      rmSync(cache, { recursive: true, force: true });
    }
  });
});

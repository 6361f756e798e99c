/** The systemd units, judged by systemd itself where this machine has it. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BootstrapOptions, type RenewalOptions } from "../../bootstrap";
import { resolveOptions } from "../../bootstrap/resolved-options";
import { systemdUnits } from "../../bootstrap/units";

function unitsOf(options: BootstrapOptions): Record<string, string> {
  const resolved = resolveOptions(options);
  return systemdUnits(resolved, resolved.renewal as Required<RenewalOptions>);
}

const variants: { name: string; options: BootstrapOptions }[] = [
  { name: "default", options: {} },
  { name: "https", options: { protocol: "https" } },
  { name: "a user of its own", options: { user: "www-data", group: "daemon", hooks: { exec: [["true"]] } } },
  { name: "short", options: { certificate: { expiresInSeconds: 300 }, renewal: { checkEverySeconds: 5 } } },
];

describe("systemd units", () => {
  it("look often enough for the life of the certificate", () => {
    expect(unitsOf({})["vpc-identity.timer"]).toContain("OnUnitInactiveSec=300s\n");
    expect(unitsOf({ certificate: { expiresInSeconds: 300 } })["vpc-identity.timer"]).toContain(
      "OnUnitInactiveSec=25s\n",
    );
    expect(unitsOf({ renewal: { checkEverySeconds: 5 } })["vpc-identity.timer"]).toContain("OnUnitInactiveSec=5s\n");
  });

  it("close every address but the service's, unless there must be a resolver", () => {
    expect(unitsOf({})["vpc-identity.service"]).toMatch(/IPAddressDeny=any\nIPAddressAllow=169\.254\.169\.254\n/);
    expect(unitsOf({ protocol: "https" })["vpc-identity.service"]).not.toContain("IPAddress");
  });

  it("give a user of its own the folders, at each start as they were", () => {
    const units = unitsOf({ user: "svc", group: "readers", hooks: { exec: [["true"]] } });
    expect(units["vpc-identity.service"]).toMatch(
      /\nUser=svc\nGroup=readers\nRuntimeDirectory=vpc-identity\nRuntimeDirectoryMode=0750\n/,
    );
    expect(units["vpc-identity.service"]).toContain("\nRuntimeDirectoryPreserve=yes\n");
    expect(units["vpc-identity-hooks.service"]).toContain("\nUser=svc\n");
    expect(unitsOf({})["vpc-identity.service"]).not.toMatch(/User=|Directory=/);
  });

  it("end hooks that hang, and repeat those that were killed", () => {
    const hooksOf = (hooks: BootstrapOptions["hooks"] & object): string =>
      unitsOf({ hooks })["vpc-identity-hooks.service"] ?? "";
    expect(hooksOf({ exec: [["true"], ["true"]] })).toContain("\nTimeoutStartSec=250\n");
    expect(hooksOf({ reload: ["x"], failureDirectory: "/x", timeoutSeconds: 10 })).toContain("\nTimeoutStartSec=420\n");
    expect(unitsOf({ hooks: { reload: ["x"] } })["vpc-identity.service"]).toContain(
      "[ ! -s /run/vpc-identity/changed ] && [ ! -s /run/vpc-identity/changed.taken ] || exec systemctl start",
    );
  });

  it("know no time of day, which a clock that is set would jump over", () => {
    expect(unitsOf({})["vpc-identity.timer"]).not.toContain("OnCalendar");
  });

  it("give a run the time to wait for another and to try itself", () => {
    expect(unitsOf({ firstBootSeconds: 1000 })["vpc-identity.service"]).toContain("TimeoutStartSec=2120\n");
  });
});

const systemd = spawnSync("systemd-analyze", ["--version"]).status === 0;

(systemd ? describe : describe.skip)("systemd-analyze verify", () => {
  const verify = (units: Record<string, string>): { status: number | null; stderr: string } => {
    const folder = mkdtempSync(join(tmpdir(), "vpc-identity-units-"));
    const paths = Object.entries(units).map(([name, text]) => {
      const path = join(folder, name);
      // The program is not installed here, and systemd looks for it.
      writeFileSync(path, text.replace(/\/usr\/local\/bin\/vpc-identity \w+/, "/bin/true"));
      return path;
    });
    const { status, stderr } = spawnSync("systemd-analyze", ["verify", "--man=no", ...paths], { encoding: "utf8" });
    rmSync(folder, { recursive: true, force: true });
    return {
      status,
      stderr: stderr
        .split("\n")
        .filter((line) => line.includes(folder) || line.includes("vpc-identity"))
        .join("\n"),
    };
  };

  it.each(variants)("finds nothing in the units of $name", ({ options }) => {
    expect(verify(unitsOf(options))).toEqual({ status: 0, stderr: "" });
  });

  it("would find a time that is none", () => {
    const units = unitsOf({});
    const broken = {
      ...units,
      "vpc-identity.timer": units["vpc-identity.timer"]?.replace("OnActiveSec=1s", "OnActiveSec=1mn5") ?? "",
    };
    expect(verify(broken).stderr).toMatch(/vpc-identity\.timer:\d+: Failed to parse timer value/);
  });
});

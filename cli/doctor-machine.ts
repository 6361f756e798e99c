/** What `doctor` looks at on this machine: Node, and the engine that would run. */
import { spawnSync } from "node:child_process";
import type { Check } from "./check";
import { UsageError } from "./command";
import type { Flags } from "./flags";
import { engineOf } from "./stack";
import { isWithin, packageManifest } from "./versions";
import { describeEngine } from "./workspace";

export function checkMachine(flags: Flags): Check[] {
  return [node(), engine(flags)];
}

function node(): Check {
  const range = packageManifest().engines.node;
  const found = process.versions.node;
  return isWithin(found, range)
    ? { name: "node", verdict: "ok", detail: found }
    : { name: "node", verdict: "missing", detail: `${found}; needed: ${range}`, fix: "install a newer Node.js" };
}

function engine(flags: Flags): Check {
  const name = "engine";
  try {
    const chosen = engineOf(flags);
    if (chosen.kind === "embedded") return { name, verdict: "ok", detail: describeEngine(chosen) };
    const { status, stdout, stderr, error } = spawnSync(chosen.path, ["version"], {
      encoding: "utf8",
      timeout: 30_000,
    });
    if (status === 0) return { name, verdict: "ok", detail: `pulumi ${stdout.trim()} (${chosen.path})` };
    const reason = error?.message ?? stderr.trim();
    const fix = "reinstall Pulumi, or pass --engine embedded";
    return { name, verdict: "missing", detail: `${chosen.path} does not run: ${reason}`, fix };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return { name, verdict: "missing", detail: error.message, fix: "install it, or leave --engine out" };
  }
}

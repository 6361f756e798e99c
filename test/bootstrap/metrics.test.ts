/** The metrics file: what Prometheus' textfile collector finds on a server, also of runs that end early. */
import { spawnSync } from "node:child_process";
import { readdirSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import { type BootstrapOptions, validateBootstrap } from "../../bootstrap";
import { EARLY_ENDS, type ServerFolder, SHELLS } from "./server-folder";
import { Servers } from "./servers";

const servers = new Servers();
const present = SHELLS.filter((shell) => shell.present);
const PROM = "/var/lib/node/exporter/vpc-identity.prom";

const serverWith = (options?: BootstrapOptions, change?: (script: string) => string): ServerFolder =>
  servers.makeBooted({ metricsFile: PROM, ...options }, change);

const values = (text: string): Record<string, number> =>
  Object.fromEntries(
    [...text.matchAll(/^(vpc_[^ ]+) (\d+)$/gm)].map(([, name = "", value]): [string, number] => [name, Number(value)]),
  );

it("says when each credential expires and how the last run ended", async () => {
  const server = serverWith();
  await server.run(["once"]);
  const now = Date.now() / 1000;
  const good = values(server.read(PROM));
  expect(good.vpc_identity_last_run_exit_code).toBe(0);
  for (const labels of ['{kind="token",name="default"}', '{kind="certificate",name="chain"}']) {
    const left = (good[`vpc_identity_expiry_timestamp_seconds${labels}`] ?? 0) - now;
    expect(left).toBeGreaterThan(3500);
    expect(left).toBeLessThanOrEqual(3600);
  }
  expect(statSync(server.path(PROM)).mode & 0o777).toBe(0o644);
  servers.service.plan("token", { status: 403 });
  await server.run(["once"]);
  expect(values(server.read(PROM)).vpc_identity_last_run_exit_code).toBe(5);
});

it.each(present)("is all that runs leave, even one that was killed as it wrote it, under $name", async ({ argv }) => {
  const server = serverWith({ certificate: false });
  await server.run(["once"]);
  const dead = spawnSync("true").pid;
  for (const name of [`vpc-identity.${dead}`, `vpc-identity.${process.pid}`, "1"])
    writeFileSync(server.path(`${PROM}.${name}`), "half");
  await server.run(["once"], { shell: argv });
  const found = (): string[] => readdirSync(dirname(server.path(PROM))).sort();
  const [file, other, theirs] = ["", `.vpc-identity.${process.pid}`, ".1"].map((end) => `${basename(PROM)}${end}`);
  expect(found()).toEqual([file, theirs, other]);
  await server.run(["uninstall"], { shell: argv });
  expect(found()).toEqual([theirs]);
});

it("is in folders that the collector can enter", async () => {
  const server = serverWith({ certificate: false });
  await server.run(["once"]);
  for (const path of ["/var/lib/node", "/var/lib/node/exporter"])
    expect(statSync(server.path(path)).mode & 0o777).toBe(0o755);
});

it.each(EARLY_ENDS)("tells of a run that ended early because $name", async ({ change, spoil, exitCode }) => {
  const server = serverWith({}, change);
  spoil?.(server);
  // The service leaves the hooks to their unit, but not this.
  const run = await server.run(["once"], { env: { VPC_IDENTITY_HOOKS: "later" } });
  expect(run.exitCode).toBe(exitCode);
  expect(values(server.read(PROM))).toMatchObject({ vpc_identity_last_run_exit_code: exitCode });
});

it.each(present)("tells of a run that was ended by a signal, under $name", async ({ argv }) => {
  const server = serverWith({ certificate: false });
  await server.run(["once"]);
  servers.service.plan("token", { delayMs: 20_000 });
  const results = server.path("/run/vpc-identity");
  const isAtWork = (): boolean => readdirSync(results).some((name) => name.startsWith(".work"));
  const run = await server.run(["once"], { shell: argv, signal: { name: "SIGTERM", when: isAtWork } });
  expect(run.exitCode).toBe(143);
  const told = values(server.read(PROM));
  expect(told.vpc_identity_last_run_exit_code).toBe(143);
  expect(told['vpc_identity_expiry_timestamp_seconds{kind="token",name="default"}']).toBeGreaterThan(0);
});

it.each(["/etc/x.prom", "/usr/lib/x.prom", "/home/x/x.prom", "/tmp/x.prom", "//tmp/x.prom", "/./root/x.prom"])(
  "is refused where the service's unit cannot write it: %s",
  (metricsFile) => {
    expect(validateBootstrap({ metricsFile }, "").map(({ property }) => property)).toEqual(["metricsFile"]);
  },
);

it.each(["/var/lib/node/x.prom", "/srv/usr/x.prom", "/run/node/x.prom", "/tmpfs/x.prom", "/x.prom"])(
  "may be elsewhere: %s",
  (metricsFile) => expect(validateBootstrap({ metricsFile }, "")).toEqual([]),
);

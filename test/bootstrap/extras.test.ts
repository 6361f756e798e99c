/** The rarer features of the installed script: reports for machines, keys that stay, early failures, strongSwan's files. */
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { type BootstrapOptions, bootstrapUserData, validateBootstrap } from "../../bootstrap";
import { MetadataService, refusal } from "./metadata-service";
import { ServerFolder, SHELLS } from "./server-folder";

let service: MetadataService;
let folder: ServerFolder | undefined;

beforeAll(async () => {
  service = await MetadataService.start();
});
afterAll(() => service.close());
afterEach(() => {
  service.reset();
  folder?.remove();
  folder = undefined;
});

function serverWith(options: BootstrapOptions, changeScript?: (script: string) => string): ServerFolder {
  folder = new ServerFolder(service.url, { trustRootsPem: service.rootPem, retrySeconds: 0, ...options }, changeScript);
  folder.endFirstBoot();
  return folder;
}

const present = SHELLS.filter((shell) => shell.present);
const NOTE = ["sh", "-c", 'echo "$1:$VPC_IDENTITY_CHANGED:$VPC_IDENTITY_EXIT_CODE" >>"$VPC_IDENTITY_ROOT/notes"', "sh"];
const alarm: BootstrapOptions = { hooks: { failureExec: [[...NOTE, "alarm"]] } };

describe("a run that ends early", () => {
  it.each([
    {
      name: "because a tool is missing",
      change: (script: string) => script.replaceAll("for tool in curl", "for tool in curl-of-the-test"),
      exitCode: 3,
    },
    {
      name: "because its settings are broken",
      spoil: (server: ServerFolder) => writeFileSync(server.path("/etc/vpc-identity/config.json"), "{"),
      exitCode: 2,
    },
    {
      name: "because others may write to its folder",
      spoil: (server: ServerFolder) => {
        spawnSync("install", ["-d", "-m", "0777", server.path("/run/vpc-identity")]);
      },
      exitCode: 1,
    },
  ])("$name still runs the hooks for failures", async ({ change, spoil, exitCode }) => {
    const server = serverWith(alarm, change);
    spoil?.(server);
    expect((await server.run(["once"])).exitCode).toBe(exitCode);
    expect(server.read("/notes")).toBe(`alarm::${exitCode}\n`);
    // Nothing is written to a folder that is not trusted.
    if (exitCode === 1) expect(readdirSync(server.path("/run/vpc-identity"))).toEqual([]);
  });

  it.each(["status", "print-token", "doctor"])("says so without hooks when it was %s", async (command) => {
    const server = serverWith(alarm, (script) => script.replaceAll("for tool in curl", "for tool in curl-of-the-test"));
    expect((await server.run([command])).exitCode).toBeGreaterThan(0);
    expect(server.has("/notes")).toBe(false);
  });

  it("leaves it to the unit of the hooks, which takes a missing outcome for a failure", async () => {
    const server = serverWith(alarm);
    writeFileSync(server.path("/etc/vpc-identity/config.json"), "{");
    expect((await server.run(["renew"], { env: { VPC_IDENTITY_HOOKS: "later" } })).exitCode).toBe(2);
    expect(server.has("/notes")).toBe(false);
    await server.run(["hooks"]);
    expect(server.read("/notes")).toBe("alarm::1\n");
  });
});

describe("a hook that takes long", () => {
  it.each(present)("is ended together with the run, within a second, under $name", async ({ argv }) => {
    const server = serverWith({
      certificate: false,
      hooks: { exec: [["sh", "-c", 'echo $$ >"$VPC_IDENTITY_ROOT/hook"; exec sleep 60']] },
    });
    let sent = 0;
    const run = await server.run(["once"], {
      shell: argv,
      onStart: (pid) => {
        const wait = setInterval(() => {
          if (!server.has("/hook") || server.read("/hook") === "") return;
          clearInterval(wait);
          sent = Date.now();
          process.kill(pid, "SIGTERM");
        }, 20);
      },
    });
    expect(run.exitCode).toBe(143);
    expect(Date.now() - sent).toBeLessThan(1000);
    // Gone, or dead and not yet collected by whoever collects here.
    const { stdout } = spawnSync("ps", ["-o", "stat=", "-p", server.read("/hook").trim()], { encoding: "utf8" });
    expect(stdout).toMatch(/^(Z.*\n)?$/);
  });
});

describe("status", () => {
  it("tells that a hook failed", async () => {
    const server = serverWith({ hooks: { exec: [["false"]] } });
    await server.run(["once"]);
    const text = await server.run(["status"]);
    expect(text).toMatchObject({ exitCode: 0 });
    expect(text.stdout).toMatch(/a hook failed after the last renewal\n$/);
    const json = await server.run(["status", "--json"]);
    expect(JSON.parse(json.stdout)).toMatchObject({ hooks: "failed", "token default": { condition: "fresh" } });
  });
});

describe("reuseKey", () => {
  it("keeps the key over renewals, and makes a new one when its size changes", async () => {
    const server = serverWith({ iamTokens: [], certificate: { reuseKey: true } });
    const key = (): string => server.read("/run/vpc-identity/current/key.pem");
    await server.run(["once"]);
    const first = key();
    expect((await server.run(["once"])).exitCode).toBe(0);
    expect(server.completeSet()).toMatchObject({ generation: 2 });
    expect(key()).toBe(first);
    server.configure({ iamTokens: [], certificate: { reuseKey: true, keySize: 4096 } });
    expect((await server.run(["once"])).exitCode).toBe(0);
    expect(server.completeSet()).toMatchObject({ generation: 3, keySize: 4096 });
    expect(key()).not.toBe(first);
  });

  it("is off by default", async () => {
    const server = serverWith({ iamTokens: [] });
    await server.run(["once"]);
    const first = server.read("/run/vpc-identity/current/key.pem");
    await server.run(["once"]);
    expect(server.read("/run/vpc-identity/current/key.pem")).not.toBe(first);
  });
});

describe("log lines", () => {
  it.each(present)("are JSON with the fields that apply, under $name", async ({ argv }) => {
    const server = serverWith({ log: "json" });
    const message = 'a "quoted" \\ word';
    service.plan("iam_tokens", { status: 403, body: refusal("unauthorized", message) });
    const { exitCode, stderr } = await server.run(["once"], { shell: argv });
    expect(exitCode).toBe(5);
    const lines = stderr
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines).toEqual([
      expect.objectContaining({
        event: "failed",
        http_code: 403,
        code: "unauthorized",
        trace: "trace-of-the-test",
        message: `IAM token "default": HTTP 403 unauthorized: ${message} (trace trace-of-the-test)`,
      }),
      expect.objectContaining({ event: "renewed", seconds_left: 3600, program: "vpc-identity" }),
    ]);
    expect(lines[0]?.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  });

  it("are logfmt", async () => {
    const server = serverWith({ log: "logfmt", certificate: false });
    const { stderr } = await server.run(["once"]);
    expect(stderr).toMatch(
      /^time="[\dTZ:-]+" program="vpc-identity" event="renewed" seconds_left=3600 message="IAM token \\"default\\" is in .*"\n$/,
    );
  });
});

describe("the metrics file", () => {
  const values = (text: string): Record<string, number> =>
    Object.fromEntries(
      [...text.matchAll(/^(vpc_[^ ]+) (\d+)$/gm)].map(([, name = "", value]): [string, number] => [
        name,
        Number(value),
      ]),
    );

  it("says when each credential expires and how the last run ended", async () => {
    const server = serverWith({ metricsFile: "/var/lib/node/vpc-identity.prom" });
    await server.run(["once"]);
    const now = Date.now() / 1000;
    const good = values(server.read("/var/lib/node/vpc-identity.prom"));
    expect(good.vpc_identity_last_run_exit_code).toBe(0);
    for (const labels of ['{kind="token",name="default"}', '{kind="certificate",name="chain"}']) {
      const left = (good[`vpc_identity_expiry_timestamp_seconds${labels}`] ?? 0) - now;
      expect(left).toBeGreaterThan(3500);
      expect(left).toBeLessThanOrEqual(3600);
    }
    expect(statSync(server.path("/var/lib/node/vpc-identity.prom")).mode & 0o777).toBe(0o644);
    service.plan("token", { status: 403 });
    await server.run(["once"]);
    expect(values(server.read("/var/lib/node/vpc-identity.prom")).vpc_identity_last_run_exit_code).toBe(5);
  });
});

describe("strongSwan's files", () => {
  it("are copies of one generation, each certificate in a file of its own, readable by root alone", async () => {
    const server = serverWith({ strongswan: { name: "type_ibmshare" } });
    mkdirSync(server.path("/etc/swanctl"), { recursive: true });
    // Where there is a real swanctl it must not be asked: this is not its server.
    const { exitCode, stderr } = await server.run(["once"], { env: { PATH: "/usr/bin:/bin" } });
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    const read = (path: string): string => server.read(`/etc/swanctl/${path}`);
    expect(read("private/type_ibmshare.key")).toBe(server.read("/run/vpc-identity/current/key.pem"));
    expect(read("x509/type_ibmshare.pem")).toBe(server.read("/run/vpc-identity/current/leaf.pem"));
    expect(readdirSync(server.path("/etc/swanctl/x509ca"))).toEqual([
      "type_ibmshare_int.crt",
      "type_ibmshare_int2.crt",
    ]);
    expect(read("x509ca/type_ibmshare_int.crt")).toBe(server.read("/run/vpc-identity/current/chain.pem"));
    expect(read("x509ca/type_ibmshare_int2.crt").replaceAll("\r", "").trim()).toBe(
      service.rootPem.replaceAll("\r", "").trim(),
    );
    expect(statSync(server.path("/etc/swanctl/private/type_ibmshare.key")).mode & 0o777).toBe(0o600);
    expect(readdirSync(server.path("/etc/swanctl")).sort()).toEqual(["private", "x509", "x509ca"]);
  });
});

describe("options of these features", () => {
  it("name every problem", () => {
    const options = {
      certificate: { reuseKey: "yes" },
      strongswan: { name: "../x" },
      log: "xml",
      metricsFile: "/var/lib/x.txt",
      metadataCaPem: "x",
      pinMetadataAddress: 1,
    };
    expect(
      validateBootstrap(options, "")
        .map(({ property }) => property)
        .sort(),
    ).toEqual(["certificate.reuseKey", "log", "metadataCaPem", "metricsFile", "pinMetadataAddress", "strongswan.name"]);
  });

  it("cost nothing where they are off", () => {
    const size = (options: BootstrapOptions): number => Buffer.byteLength(bootstrapUserData(options));
    expect(size({ log: "plain", certificate: { reuseKey: false }, pinMetadataAddress: false })).toBe(size({}));
    expect(size({ combinedPem: true })).toBeLessThan(size({ combinedPem: true, log: "json" }));
  });
});

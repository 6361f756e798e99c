/**
 * The life of a server with every option on, on the true address against the emulator, once for each shell: there it is
 * what /bin/sh means to everything on the server, and the metadata service speaks http to one and https to the others.
 * What the other files of this folder look at closely under one shell is here done at least once under all.
 */
import { spawnSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { basename } from "node:path";
import { type BootstrapOptions, bootstrapUserData } from "../../bootstrap";
import { type Emulator, type Fault, startEmulator } from "../../emulator";
import { type BootedServer, bootInstance, type ExecResult } from "../../emulator/boot";
import { makeServer } from "../emulator/emulated-server";
import { SHELLS } from "./server-folder";

const RUN = "/run/vpc-identity";
const NOTE = 'echo "$0:$VPC_IDENTITY_CHANGED:$VPC_IDENTITY_EXIT_CODE" >>/run/notes';
const METRICS = "/var/lib/node/vpc-identity.prom";

const asRoot = process.getuid?.() === 0;
const possible = spawnSync("unshare", [...(asRoot ? [] : ["-r"]), "-nm", "true"]).status === 0;
const PROTOCOLS: Readonly<Record<string, "http" | "https">> = { dash: "https", "bash --posix": "http" };

let emulator: Emulator;
let server: BootedServer;
let id = "";

beforeAll(async () => {
  emulator = await startEmulator({ provisionSeconds: 0 });
});
afterAll(() => emulator.close());

const rows = SHELLS.map(({ argv: [program = ""], ...shell }) => ({
  ...shell,
  path: spawnSync("sh", ["-c", `command -v ${program}`], { encoding: "utf8" }).stdout.trim(),
  protocol: PROTOCOLS[shell.name] ?? "https",
}));

describe.each(rows)("under $name, over $protocol", ({ name, path, present, protocol }) => {
  if (!present) {
    it.todo(`is not on this machine: ${name}`);
    return;
  }
  if (!possible) {
    it.todo("is not possible where namespaces are refused");
    return;
  }

  beforeAll(async () => {
    const made = await makeServer(emulator, { name: basename(path), protocol });
    ({ id } = made);
    server = await bootInstance({
      socket: made.socket,
      userData: userDataOf(made.profileId, protocol, path),
      timeoutMs: 40_000,
    });
  });
  afterAll(() => server.shutdown());
  afterEach(planNothing);

  it("is what runs every script of this server", async () => {
    const { stdout } = await sh(`stat -L -c %d:%i /proc/$$/exe ${path}; :`);
    const [running, wanted] = stdout.split("\n");
    expect(running).toMatch(/^\d+:\d+$/);
    expect(running).toBe(wanted);
  });

  it("boots to tokens, certificate and the files of others", async () => {
    expect({ exitCode: server.exitCode, log: server.log }).toMatchObject({ exitCode: 0 });
    const lines = server.log.split("\n").filter((line) => line.startsWith("{"));
    const events = lines.map((line) => (JSON.parse(line) as { event: string }).event);
    expect(events.filter((event) => event === "renewed")).toHaveLength(4);
    const [token, byId, byCrn] = await Promise.all(["default", "by.id", "by-crn"].map((one) => tokenOf(one)));
    expect(subjectOf(byId)).toBe(subjectOf(token));
    expect(subjectOf(byCrn)).toBe(subjectOf(token));
    const leaf = new X509Certificate(await file("current/leaf.pem"));
    expect(leaf.subject.split("\n")).toEqual(["C=DE", 'O=Büro $x \\"y\\"', `CN=${id}`]);
    expect(await file("current/combined.pem")).toBe(
      (await file("current/key.pem")) + (await file("current/fullchain.pem")),
    );
    expect(await file("credentials/default.env")).toBe(`VPC_AUTH_TYPE=bearertoken\nVPC_BEARER_TOKEN=${token}\n`);
    expect(await server.readFile("/etc/swanctl/private/ours.key")).toBe(await file("current/key.pem"));
    expect(await server.readFile("/etc/swanctl/x509/ours.pem")).toBe(await file("current/leaf.pem"));
    expect(await notes()).toBe("good:token:default token:by.id token:by-crn certificate :0\n");
    expect(await server.readFile(METRICS)).toMatch(/_exit_code 0\n[^]*_hooks_failed 0\n[^]*name="by\.id"\} \d+\n/);
  });

  it("answers who asks on the server", async () => {
    const token = await tokenOf("default");
    expect(await identity("print-token")).toMatchObject({ exitCode: 0, stdout: token, stderr: "" });
    expect(JSON.parse((await identity("print-token", "--json", "by.id")).stdout)).toMatchObject({
      token_type: "Bearer",
      access_token: await tokenOf("by.id"),
    });
    expect((await identity("print-token", "../server")).exitCode).toBe(2);
    expect((await identity("status")).stdout).toMatch(/^(fresh +(token|certificate) \S+, 3[45]\d\d s left: \S+\n){4}$/);
    expect(JSON.parse((await identity("status", "--json")).stdout)).toMatchObject({
      hooks: "fine",
      "certificate chain": { condition: "fresh", path: `${RUN}/current/leaf.pem` },
    });
    expect(await identity("needs-renewal", "--exit-code")).toMatchObject({ exitCode: 1, stdout: "no\n" });
    expect((await identity("doctor")).stdout).toMatch(/^(ok .*\n){7}$/);
    expect((await identity("once", "twice")).stderr).toMatch(/^usage: /);
  });

  it("asks for nothing while all is fresh, and then for what is missing", async () => {
    const [token, other] = [await tokenOf("default"), await tokenOf("by.id")];
    expect(await identity("renew")).toMatchObject({ exitCode: 0, stderr: "" });
    await sh(`rm ${RUN}/tokens/default`);
    expect(await identity("status")).toMatchObject({ exitCode: 3 });
    expect(await identity("renew")).toMatchObject({ exitCode: 0 });
    expect(await tokenOf("default")).not.toBe(token);
    expect(await tokenOf("by.id")).toBe(other);
    expect(await notes()).toBe("good:token:default :0\n");
  });

  it("renews the certificate with the same key, and keeps the set before", async () => {
    const [key, leaf] = [await file("current/key.pem"), await file("current/leaf.pem")];
    await sh(
      "mkdir -p /run/hooks.d; printf '#!/bin/sh\\ntouch \"/run/it was run\"\\n' >'/run/hooks.d/10 a'; chmod +x /run/hooks.d/*",
    );
    plan("token", { status: 404 });
    plan("iam_token*", { status: 503 }, { status: 401 }, { body: "pretty" }, { body: "escaped" });
    const run = await identity("once");
    expect(run).toMatchObject({ exitCode: 0 });
    expect(run.stderr).toMatch(/HTTP 503 [^]*"event":"waiting"/);
    expect(await file("current/key.pem")).toBe(key);
    expect(await file("current/leaf.pem")).not.toBe(leaf);
    expect(
      await sh(`sleep 0.2; readlink ${RUN}/current; ls ${RUN}/generations; ls /run/it*; cat /run/signalled`),
    ).toMatchObject({
      stdout: "generations/2\n1\n2\n/run/it was run\nx\nx\nx\n",
    });
  });

  it("leaves everything as it is when it is refused, and tells", async () => {
    const before = (await sh(`cat ${RUN}/tokens/* ${RUN}/current/*`)).stdout;
    await notes();
    plan("iam_tokens", ...new Array<Fault>(9).fill({ status: 400, code: "profile_not_linked" }));
    plan("certificates", { status: 403 });
    const refused = await identity("once");
    expect(refused).toMatchObject({ exitCode: 5 });
    expect(refused.stderr).toMatch(/"http_code":400,"code":"profile_not_linked"[^]*link the trusted profile/);
    expect((await sh(`cat ${RUN}/tokens/* ${RUN}/current/*`)).stdout).toBe(before);
    expect(await notes()).toBe("bad::5\n");
    expect(await server.readFile(METRICS)).toContain("vpc_identity_last_run_exit_code 5\n");
    const doctor = await identity("doctor");
    expect(doctor).toMatchObject({ exitCode: 5 });
    expect(doctor.stdout).toMatch(/FAIL {2}.*profile_not_linked.*\n {6}fix: link the trusted profile/);
    planNothing();
    await sh(`mv /etc/vpc-identity/config.json /etc/moved; echo '{' >/etc/vpc-identity/config.json`);
    expect(await identity("once")).toMatchObject({ exitCode: 2 });
    expect(await notes()).toBe("bad::2\n");
    await sh("mv /etc/moved /etc/vpc-identity/config.json");
  });

  it("takes turns, and gives way to a signal", async () => {
    const holder = `flock ${RUN}/lock sh -c 'sleep 0.5; echo released'`;
    const waiting = sh(`${holder} & sleep 0.1; rm ${RUN}/tokens/default; vpc-identity renew && echo renewed`);
    expect(await waiting).toMatchObject({ stdout: "released\nrenewed\n" });
    plan("token", { hang: "before" });
    const looks = `for i in 1 2 3 4 5 6 7 8 9 10; do [ -e ${RUN}/.work.*/request ] || sleep 0.1; done`;
    const ended = await sh(
      `rm ${RUN}/tokens/default; vpc-identity once & ${looks}; kill $!; wait $!; echo $?; ls -A ${RUN}`,
    );
    expect(ended.stdout).toMatch(/^143\n/);
    expect(ended.stdout).not.toContain(".work");
    expect(await server.readFile(METRICS)).toContain("vpc_identity_last_run_exit_code 143\n");
  });

  it("renews in a loop", async () => {
    // The run that was ended left its token missing.
    const looks = `until [ -s ${RUN}/tokens/default ]; do sleep 0.05; done`;
    expect(await sh(`vpc-identity loop & ${looks}; kill $!; wait $!; echo $?`)).toMatchObject({ stdout: "143\n" });
  });

  it("drops what came with the image of another server, copies for strongSwan and all", async () => {
    await sh("mkdir -p /var/lib/cloud/data; echo another >/var/lib/cloud/data/instance-id");
    plan("iam_token*", ...new Array<Fault>(9).fill({ status: 404 }));
    plan("certificates", { status: 404 });
    expect(await identity("once")).toMatchObject({ exitCode: 5 });
    const left = await sh(`ls ${RUN}/tokens ${RUN}/generations ${RUN}/credentials; find /etc/swanctl -name '*ours*'`);
    expect(left.stdout.replace(/^\/.*:$/gm, "").trim()).toBe("");
  });

  it("removes everything", async () => {
    expect(await identity("once")).toMatchObject({ exitCode: 0 });
    expect(await identity("uninstall")).toMatchObject({ exitCode: 0 });
    const left = "find /etc/vpc-identity /run/vpc-identity /usr/local/bin/vpc-identity /var/lib/vpc-identity";
    expect((await sh(`${left} ${METRICS} 2>/dev/null; find /etc/swanctl -type f`)).stdout).toBe("");
  });
});

/** User data of a server whose /bin/sh is this program from the start. */
function userDataOf(profileId: string, protocol: "http" | "https", shell: string): string {
  const profileCrn = `crn:v1:bluemix:public:iam-identity::a/${emulator.accountId}::profile:${profileId}`;
  const options: BootstrapOptions = {
    iamTokens: [{ name: "default" }, { name: "by.id", profileId }, { name: "by-crn", profileCrn }],
    certificate: { subject: { C: "DE", O: 'Büro $x "y"' }, expiresInSeconds: 3600, reuseKey: true },
    trustRootsPem: emulator.rootCertificate,
    protocol,
    ...(protocol === "https" ? { metadataCaPem: emulator.rootCertificate, pinMetadataAddress: true } : {}),
    apiVersion: "2025-09-16",
    maturity: "beta",
    nonce: true,
    legacyFallback: true,
    retrySeconds: 30,
    combinedPem: true,
    ...(asRoot ? { group: "daemon", files: { "fullchain.pem": { mode: "0644" } } } : {}),
    credentialFiles: [{ token: "default", services: ["VPC"] }],
    hooks: {
      exec: [["sh", "-c", NOTE, "good"]],
      signal: [{ pidFile: "/run/daemon.pid", signal: "USR1" }],
      directory: "/run/hooks.d",
      failureExec: [["sh", "-c", NOTE, "bad"]],
      timeoutSeconds: 10,
    },
    strongswan: { name: "ours" },
    log: "json",
    metricsFile: METRICS,
  };
  const daemon = "trap 'echo x >>/run/signalled' USR1; while :; do sleep 1 & wait; done";
  const boothook = `#cloud-boothook
#!/bin/sh
mount --bind ${shell} /bin/sh
sh -c "${daemon}" >/dev/null 2>&1 &
echo $! >/run/daemon.pid
`;
  return bootstrapUserData(options, { merge: [boothook] });
}

const identity = (...args: string[]): Promise<ExecResult> => server.exec(["/usr/local/bin/vpc-identity", ...args]);
const sh = (text: string): Promise<ExecResult> => server.exec(["sh", "-c", text]);
const file = (path: string): Promise<string> => server.readFile(`${RUN}/${path}`);
const tokenOf = (name: string): Promise<string> => file(`tokens/${name}`);

/** What the hooks wrote since the last look. */
async function notes(): Promise<string> {
  return (await sh("cat /run/notes; rm -f /run/notes")).stdout;
}

const subjectOf = (token: string | undefined): unknown =>
  (JSON.parse(Buffer.from(token?.split(".")[1] ?? "", "base64url").toString("utf8")) as { sub: string }).sub;

let planned: Fault[] = [];
/** Answers of the next requests to a path of the server's services, one after the other. */
function plan(path: string, ...faults: readonly Fault[]): void {
  planned.push(...faults.map((fault) => ({ path: `*/${path}`, where: "server" as const, ...fault })));
  emulator.setFaults(planned);
}

function planNothing(): void {
  planned = [];
  emulator.setFaults(planned);
}

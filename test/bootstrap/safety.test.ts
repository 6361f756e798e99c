/** What the installed script must never do: show a secret, mix two sets, hang on a signal, run twice at once. */
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { type ServerFolder, shellInTurn, SHELLS, withOwnPrograms, withStockOfKeys } from "./server-folder";
import { Servers } from "./servers";

const present = SHELLS.filter((shell) => shell.present);

const servers = new Servers();

/** Arguments and environments of a process and everything it started. */
function inspectFamily(pid: number): string {
  let seen = "";
  for (const entry of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, "utf8");
      // Field 5 after the parenthesised name is the session, which children keep.
      const session = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[3]);
      if (session !== pid) continue;
      seen += readFileSync(`/proc/${entry}/cmdline`, "utf8") + readFileSync(`/proc/${entry}/environ`, "utf8");
    } catch {
      // It has ended since.
    }
  }
  return seen;
}

/** Looks at the family again and again until the run is over. */
async function watched(
  server: ServerFolder,
  env: Record<string, string>,
  shell: readonly string[],
): Promise<{ seen: string; printed: string }> {
  let seen = "";
  let timer: NodeJS.Timeout | undefined;
  const { stdout, stderr, exitCode } = await server.run(["once"], {
    shell: ["setsid", "-w", ...shell],
    env,
    onStart: (pid) => {
      timer = setInterval(() => (seen += inspectFamily(pid) + inspectFamily(pid + 1)), 5);
    },
  });
  clearInterval(timer);
  expect(exitCode).toBe(0);
  return { seen, printed: stdout + stderr };
}

describe("secrets", () => {
  const traced = present.map(({ name, argv }) => ({ name: `${name} -x`, argv: [...argv, "-x"] }));

  it.each([{ name: "sh", argv: ["sh"] }, ...traced])(
    "are in no argument, environment or output, under $name",
    async ({ argv }) => {
      const server = servers.make({ iamTokens: [{ name: "a" }, { name: "b" }] });
      servers.service.plan("iam_tokens", { delayMs: 150 }, { delayMs: 150 });
      servers.service.plan("certificates", { delayMs: 150 });
      const { seen, printed } = await watched(server, { PLANTED: "the-planted-marker" }, argv);
      // The same search finds what is there to find, in an environment and in arguments.
      expect(seen).toContain("the-planted-marker");
      expect(seen).toMatch(/curl\0-q\0-K/);
      expect(servers.service.secrets).toHaveLength(3);
      const key = server.read("/run/vpc-identity/current/key.pem").split("\n")[1] ?? "";
      expect(key.length).toBeGreaterThan(60);
      for (const secret of [...servers.service.secrets, key]) {
        expect(seen).not.toContain(secret);
        expect(printed).not.toContain(secret);
      }
    },
  );

  it("are taken out of what a server's error repeats", async () => {
    const server = servers.make({ retrySeconds: 0 });
    server.endFirstBoot();
    const body = JSON.stringify({
      errors: [{ code: "x", message: "bad token eyJhbGciOiJ9.eyJzdWIiOiJ4.c2ln \u001b[31m" }],
    });
    servers.service.plan("iam_tokens", { status: 400, body });
    const { stderr } = await server.run(["once"]);
    expect(stderr).toContain("bad token [redacted] ?[31m");
  });

  it("are in no file but those they belong to", async () => {
    const server = servers.make();
    await server.run(["once"]);
    const found: string[] = [];
    const search = (path: string): void => {
      for (const entry of readdirSync(path, { withFileTypes: true })) {
        const at = `${path}/${entry.name}`;
        if (entry.isDirectory()) search(at);
        else if (entry.isFile() && servers.service.secrets.some((secret) => readFileSync(at, "utf8").includes(secret)))
          found.push(at);
      }
    };
    search(server.root);
    expect(found).toEqual([server.path("/run/vpc-identity/tokens/default")]);
  });

  it("do not go to a proxy", async () => {
    const server = servers.make();
    const proxies = {
      http_proxy: "http://127.0.0.1:1",
      https_proxy: "http://127.0.0.1:1",
      ALL_PROXY: "http://127.0.0.1:1",
    };
    expect((await server.run(["once"], { env: proxies })).exitCode).toBe(0);
  });

  it("are not redirected by a .curlrc", async () => {
    const server = servers.make();
    writeFileSync(server.path("/.curlrc"), 'proxy = "http://127.0.0.1:1"\nverbose\n');
    expect(await server.run(["once"], { env: { HOME: server.root } })).toMatchObject({ exitCode: 0 });
  });
});

/** Puts programs before the system's that kill the script at the n-th step of what they stand for. */
function killAtStep(server: ServerFolder, step: number): void {
  const bin = server.path("/bin");
  mkdirSync(bin, { recursive: true });
  writeFileSync(server.path("/steps"), "");
  for (const name of ["mv", "ln", "rm", "mkdir", "chmod", "mktemp"]) {
    const count = `echo x >>"${server.root}/steps"; [ "$(wc -l <"${server.root}/steps")" -ne ${step} ]`;
    const text = `#!/bin/sh\nexport PATH=/usr/bin:/bin\n${count} || { kill -9 $PPID; exit 1; }\nexec ${name} "$@"\n`;
    writeFileSync(`${bin}/${name}`, text);
    chmodSync(`${bin}/${name}`, 0o755);
  }
}

describe("SIGKILL", () => {
  it("at any step leaves the old set or the new one, and the next run works", async () => {
    // BusyBox runs a mv and a rm of its own, which nothing can stand in for.
    const others = present.map(({ argv }) => argv).filter(([program]) => program !== "busybox");
    const server = servers.makeQuick({}, withOwnPrograms);
    killAtStep(server, 0);
    expect((await server.run(["once"])).exitCode).toBe(0);
    let [kept, changed, step] = [0, 0, 0];
    for (let exitCode = 137; exitCode === 137;) {
      const before = server.completeSet()?.generation ?? 0;
      killAtStep(server, ++step);
      ({ exitCode } = await server.run(["once"], { shell: others[step % others.length] ?? ["sh"] }));
      expect([0, 137]).toContain(exitCode);
      const after = server.completeSet()?.generation ?? 0;
      expect(after).toBeGreaterThanOrEqual(before);
      if (after === before) kept += 1;
      else changed += 1;
    }
    killAtStep(server, 0);
    expect((await server.run(["once"])).exitCode).toBe(0);
    expect(kept).toBeGreaterThan(3);
    expect(changed).toBeGreaterThan(1);
    expect(readdirSync(server.path("/run/vpc-identity")).filter((name) => name.startsWith(".work"))).toEqual([]);
  });
});

describe("signals", () => {
  const signals = [
    { signal: "SIGTERM", exitCode: 143 },
    { signal: "SIGINT", exitCode: 130 },
    { signal: "SIGHUP", exitCode: 129 },
  ] as const;
  const rows = signals.flatMap((row) => present.map(({ name, argv }) => ({ ...row, name, argv })));

  it.each(rows)(
    "$signal ends the run within a second and leaves nothing behind, under $name",
    async ({ signal, exitCode, argv }) => {
      const server = servers.make({ certificate: false });
      servers.service.plan("iam_tokens", { delayMs: 30_000 });
      const run = await server.run(["once"], {
        shell: argv,
        signal: { name: signal, when: () => servers.service.calls("iam_tokens").length > 0 },
      });
      expect(run.exitCode).toBe(exitCode);
      expect(run.millisecondsSinceSignal).toBeLessThan(1000);
      expect(readdirSync(server.path("/run/vpc-identity")).filter((name) => name.startsWith(".work"))).toEqual([]);
      servers.service.plan("iam_tokens");
      expect((await server.run(["once"], { shell: argv })).exitCode).toBe(0);
    },
  );
});

function withoutFlock(script: string): string {
  return withStockOfKeys(script).replaceAll("command -v flock", "false");
}

describe("the lock where there is no flock", () => {
  it.each([
    { name: "of another boot", file: "pid-of-another-boot", text: `${process.pid}\n` },
    { name: "that names nobody", file: undefined, text: "" },
  ])("$name is no hindrance", async ({ file, text }) => {
    const server = servers.make({}, withoutFlock);
    mkdirSync(server.path("/run/vpc-identity/lock.d"), { recursive: true });
    if (file !== undefined) writeFileSync(server.path(`/run/vpc-identity/lock.d/${file}`), text);
    const [one, two] = await Promise.all([0, 1].map((turn) => server.run(["once"], { shell: shellInTurn(turn).argv })));
    expect([one?.exitCode, two?.exitCode]).toEqual([0, 0]);
    expect(server.completeSet()).toMatchObject({ generation: 2 });
    expect(readdirSync(server.path("/run/vpc-identity")).filter((name) => name.startsWith("lock"))).toEqual([]);
  });
});

describe.each([
  { name: "flock", change: withStockOfKeys },
  { name: "a folder where there is no flock", change: withoutFlock },
])("two runs at once, with $name", ({ change }) => {
  it("take turns", async () => {
    const server = servers.make({}, change);
    servers.service.plan("iam_tokens", { delayMs: 1500 });
    const runs = await Promise.all(present.map(({ argv }) => server.run(["once"], { shell: argv })));
    expect(runs.map(({ exitCode }) => exitCode)).toEqual(present.map(() => 0));
    expect(server.completeSet()).toMatchObject({ generation: present.length });
    const order = servers.service.requests.map(({ path }) => path.split("?")[0]?.split("/").pop());
    const turn = ["token", "iam_tokens", "certificates"];
    expect(order).toEqual(present.flatMap(() => turn));
  });

  it("end the second when it would wait for too long", async () => {
    const server = servers.make({ firstBootSeconds: 0, retrySeconds: 0 }, change);
    servers.service.plan("token", { delayMs: 1500 });
    const first = server.run(["once"]);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(await server.run(["once"])).toMatchObject({
      exitCode: 9,
      stderr: "vpc-identity: another run holds the lock\n",
    });
    expect((await first).exitCode).toBe(0);
  });

  it("are not stopped by the lock of a run that was killed", async () => {
    const server = servers.make({}, change);
    servers.service.plan("iam_tokens", { delayMs: 15_000 });
    const killed = await server.run(["once"], {
      onStart: (pid) => setTimeout(() => process.kill(pid, "SIGKILL"), 600),
    });
    expect(killed.exitCode).toBe(137);
    servers.service.plan("iam_tokens");
    const next = await server.run(["once"]);
    expect(next).toMatchObject({ exitCode: 0 });
    // Not as long as the call of the killed run goes on.
    expect(next.milliseconds).toBeLessThan(3000);
  });
});

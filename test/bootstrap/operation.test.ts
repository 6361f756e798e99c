/** What the installed script does after the first fetch: renewal in time, and what it tells a person on the server. */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { refusal } from "./metadata-service";
import { type Run, ServerFolder, SHELLS, withoutTool } from "./server-folder";
import { Servers } from "./servers";

const servers = new Servers();

const present = SHELLS.filter((shell) => shell.present);
const notLinked = { status: 400, body: refusal("profile_not_linked", "Not linked.") };
const seconds = (count: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, count * 1000));

describe("renew", () => {
  it("asks for nothing while everything is fresh", async () => {
    const server = servers.makeQuick();
    await server.run(["renew"]);
    expect(servers.service.requests).toHaveLength(3);
    expect(await server.run(["renew"])).toMatchObject({ exitCode: 0, stderr: "" });
    expect(servers.service.requests).toHaveLength(3);
  });

  it("fetches only what is due", async () => {
    const server = servers.makeQuick({ iamTokens: [{ name: "a" }, { name: "b" }] });
    await server.run(["once"]);
    rmSync(server.path("/run/vpc-identity/tokens/b"));
    servers.service.requests.length = 0;
    expect(await server.run(["renew"])).toMatchObject({ exitCode: 0 });
    expect(servers.service.requests.map(({ path }) => path.split("?")[0])).toEqual([
      "/identity/v1/token",
      "/identity/v1/iam_tokens",
    ]);
  });

  it("fetches everything again after a reboot that kept the files", async () => {
    const server = servers.makeQuick();
    await server.run(["once"]);
    const issued = server.path("/run/vpc-identity/issued/default");
    writeFileSync(issued, server.read("/run/vpc-identity/issued/default").replace(/\S+$/m, "another-boot"));
    servers.service.requests.length = 0;
    await server.run(["renew"]);
    expect(servers.service.calls("iam_tokens")).toHaveLength(1);
  });
});

describe("a server made from an image of another one", () => {
  it("drops what the image brought along, and has a first boot of its own", async () => {
    const server = servers.makeQuick();
    await server.run(["once"]);
    const before = server.read("/run/vpc-identity/current/key.pem");
    mkdirSync(server.path("/var/lib/cloud/data"), { recursive: true });
    writeFileSync(server.path("/var/lib/cloud/data/instance-id"), "another-server\n");
    servers.service.plan("iam_tokens", notLinked);
    const { exitCode, stderr } = await server.run(["once"]);
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(/trying again in [3-5] s/);
    expect(server.completeSet()).toMatchObject({ generation: 1 });
    expect(server.read("/run/vpc-identity/current/key.pem")).not.toBe(before);
    expect(server.read("/var/lib/vpc-identity/provisioned")).toBe("another-server\n");
  });

  it("drops it also when the first boot of that one had not ended", async () => {
    const server = servers.makeQuick({
      certificate: false,
      credentialFiles: [{ token: "default", services: ["VPC"] }],
    });
    await server.run(["once"]);
    expect(server.has("/run/vpc-identity/credentials/default.env")).toBe(true);
    rmSync(server.path("/var/lib/vpc-identity/provisioned"));
    mkdirSync(server.path("/var/lib/cloud/data"), { recursive: true });
    writeFileSync(server.path("/var/lib/cloud/data/instance-id"), "another-server\n");
    servers.service.plan("iam_tokens", { status: 404 });
    expect((await server.run(["once"])).exitCode).toBe(5);
    for (const path of ["tokens/default", "credentials/default.env"])
      expect([path, server.has(`/run/vpc-identity/${path}`)]).toEqual([path, false]);
  });
});

describe("loop", () => {
  it.each(present)("renews in time, again and again, under $name", async ({ argv }) => {
    const server = servers.makeQuick({ certificate: false });
    servers.service.lifeSeconds = 2;
    const tokens = new Set<string>();
    const run = await server.run(["loop"], {
      shell: argv,
      onStart: (pid) => {
        // Ended as soon as it has shown it, however busy the machine is; the second limit is for a loop that does not renew.
        const end = (): void => {
          clearInterval(look);
          clearTimeout(limit);
          process.kill(pid, "SIGTERM");
        };
        const limit = setTimeout(end, 50_000);
        const look = setInterval(() => {
          if (server.has("/run/vpc-identity/tokens/default"))
            tokens.add(server.read("/run/vpc-identity/tokens/default"));
          if (tokens.size === 4) end();
        }, 50);
      },
    });
    expect(run.exitCode).toBe(143);
    expect(tokens.size).toBe(4);
  });
});

describe("status", () => {
  it("tells the condition of everything, with the worst as exit code", async () => {
    const server = servers.makeQuick();
    expect(await server.run(["status"])).toMatchObject({
      exitCode: 3,
      stdout: expect.stringMatching(/^missing +token default/) as string,
    });
    servers.service.lifeSeconds = 12;
    await server.run(["once"]);
    expect((await server.run(["status"])).exitCode).toBe(0);
    const { stdout, exitCode } = await server.run(["status", "--json"]);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      "token default": { condition: "fresh", path: server.path("/run/vpc-identity/tokens/default") },
      "certificate chain": { condition: "fresh" },
    });
    const next = async (after: number): Promise<Run> => {
      let run = await server.run(["status"]);
      while (run.exitCode === after) run = await server.run(["status"]);
      return run;
    };
    expect(await next(0)).toMatchObject({ exitCode: 1, stdout: expect.stringContaining("due") as string });
    expect(await next(1)).toMatchObject({ exitCode: 2, stdout: expect.stringContaining("expired") as string });
  });
});

describe("needs-renewal", () => {
  it("answers in words, and by exit code when asked to", async () => {
    const server = servers.makeQuick();
    expect(await server.run(["needs-renewal"])).toMatchObject({ exitCode: 0, stdout: "yes\n" });
    expect(await server.run(["needs-renewal", "--exit-code"])).toMatchObject({ exitCode: 0, stdout: "yes\n" });
    await server.run(["once"]);
    expect(await server.run(["needs-renewal"])).toMatchObject({ exitCode: 0, stdout: "no\n" });
    expect(await server.run(["needs-renewal", "--exit-code"])).toMatchObject({ exitCode: 1, stdout: "no\n" });
  });
});

describe("print-token", () => {
  it("prints a token that is valid, and nothing else", async () => {
    const server = servers.makeQuick({ iamTokens: [{ name: "default" }, { name: "b" }], certificate: false });
    expect(await server.run(["print-token"])).toMatchObject({ exitCode: 1, stdout: "" });
    servers.service.lifeSeconds = 2;
    await server.run(["once"]);
    expect(await server.run(["print-token"])).toMatchObject({
      exitCode: 0,
      stdout: servers.service.secrets[1],
      stderr: "",
    });
    expect(await server.run(["print-token", "b"])).toMatchObject({ exitCode: 0, stdout: servers.service.secrets[2] });
    await seconds(2.5);
    expect(await server.run(["print-token"])).toMatchObject({
      exitCode: 1,
      stdout: "",
      stderr: expect.stringContaining("is expired") as string,
    });
  });

  it("prints it as IAM's own answer when asked for JSON", async () => {
    const server = servers.makeQuick({ iamTokens: [{ name: "default" }, { name: "b" }], certificate: false });
    await server.run(["once"]);
    for (const [index, args] of [["--json"], ["--json", "b"]].entries()) {
      const { exitCode, stdout } = await server.run(["print-token", ...args]);
      const answer = JSON.parse(stdout) as { expires_in: number; expiration: number };
      expect({ exitCode, answer }).toMatchObject({
        exitCode: 0,
        answer: { access_token: servers.service.secrets[index + 1], token_type: "Bearer" },
      });
      // A sixtieth of the life is taken off, for whoever reads it last.
      expect(answer.expires_in).toBeGreaterThan(3500);
      expect(answer.expires_in).toBeLessThanOrEqual(3540);
      expect(Math.abs(answer.expiration - answer.expires_in - Date.now() / 1000)).toBeLessThan(5);
    }
    rmSync(server.path("/run/vpc-identity/tokens/b"));
    expect(await server.run(["print-token", "--json", "b"])).toMatchObject({ exitCode: 1, stdout: "" });
  });

  it("reads nothing but tokens", async () => {
    const server = servers.makeQuick();
    await server.run(["once"]);
    const { stdout, exitCode } = await server.run(["print-token", "../current/key.pem"]);
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 2 });
  });
});

describe("doctor", () => {
  const noDefault = { status: 400, body: refusal("missing_field", "No default.") };
  const yesterday = new Date(Date.now() - 86_400_000).toUTCString();

  it("has nothing to say against a good server", async () => {
    const { exitCode, stdout } = await servers.makeQuick().run(["doctor"]);
    expect(exitCode).toBe(0);
    expect(
      stdout
        .split("\n")
        .filter((line) => line !== "")
        .every((line) => line.startsWith("ok ")),
    ).toBe(true);
    expect(stdout).toMatch(/clock: -?\d s off/);
  });

  it.each([
    {
      name: "a profile that is not linked",
      plan: () => servers.service.plan("iam_tokens", notLinked),
      exitCode: 5,
      says: /fix: link the trusted profile/,
    },
    {
      name: "a server without default profile",
      plan: () => servers.service.plan("iam_tokens", noDefault),
      exitCode: 5,
      says: /no default trusted profile: name one/,
    },
    {
      name: "a clock that is wrong",
      plan: () => servers.service.plan("token", { headers: { Date: yesterday } }),
      exitCode: 8,
      says: /clock: this server is 864\d\d s off/,
    },
    {
      name: "a service that fails",
      plan: () => servers.service.plan("token", { status: 500 }),
      exitCode: 6,
      says: /FAIL {2}identity token: HTTP 500/,
    },
  ])("finds $name", async ({ plan, exitCode, says }) => {
    const server = servers.makeQuick();
    plan();
    const run = await server.run(["doctor"]);
    expect(run.stdout).toMatch(says);
    expect(run.exitCode).toBe(exitCode);
  });

  it("neither waits for a run nor publishes anything", async () => {
    const server = servers.makeQuick();
    servers.service.plan("iam_tokens", { delayMs: 4000 });
    const run = server.run(["once"]);
    await seconds(1);
    const { exitCode, milliseconds } = await server.run(["doctor"]);
    expect(exitCode).toBe(0);
    expect(milliseconds).toBeLessThan(3000);
    expect(server.has("/run/vpc-identity/tokens/default")).toBe(false);
    expect(await run).toMatchObject({ exitCode: 0 });
    expect(readdirSync(server.path("/run/vpc-identity")).filter((name) => name.startsWith(".doctor"))).toEqual([]);
  });

  it("finds a port on which nothing listens", async () => {
    const server = servers.add(new ServerFolder("http://127.0.0.1:1"));
    const { exitCode, stdout } = await server.run(["doctor"]);
    expect(exitCode).toBe(4);
    expect(stdout).toMatch(/FAIL {2}refused: identity token: no answer[\s\S]*fix: check the protocol/);
  });

  it("finds a tool that is missing", async () => {
    const server = servers.makeQuick({}, withoutTool);
    expect(await server.run(["doctor"])).toMatchObject({
      exitCode: 3,
      stdout: expect.stringMatching(/"curl-of-the-test" is missing/) as string,
    });
  });
});

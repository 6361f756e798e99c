/** User data of several parts, read by cloud-init itself where this machine has it. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bootstrapUserData, type BootstrapOptions, validateUserDataForm } from "../../bootstrap";
import { startEmulator } from "../../emulator";
import { bootInstance } from "../../emulator/boot";
import { makeServer } from "../emulator/emulated-server";

/** Debian's, which cloud-init is installed for; another may come first on PATH. */
const PYTHON = "/usr/bin/python3";
const cloudInit = spawnSync(PYTHON, ["-c", "import cloudinit"]).status === 0;
const schema = spawnSync("cloud-init", ["--version"]).status === 0;
const COMMAND = ["/usr/local/bin/vpc-identity", "provision"];

/** What cloud-init makes of user data: the merged configuration, and the names of the scripts. */
const READER = `
import json, sys, tempfile
from cloudinit import handlers, helpers, user_data, util
from cloudinit.handlers.cloud_config import CloudConfigPartHandler
with tempfile.TemporaryDirectory() as folder:
    paths = helpers.Paths({"cloud_dir": folder, "run_dir": folder})
    message = user_data.UserDataProcessor(paths).process(sys.stdin.buffer.read())
    handler = CloudConfigPartHandler(paths)
    scripts = {}
    handler.handle_part(None, "__begin__", None, None, None, None)
    for part in message.walk():
        kind = part.get_content_type()
        if kind == "text/cloud-config":
            payload = util.fully_decoded_payload(part)
            handler.handle_part(None, kind, part.get_filename(), payload, None, dict(part))
        elif kind == "text/x-shellscript":
            scripts[part.get_filename()] = util.fully_decoded_payload(part)
    print(json.dumps({"config": handler.cloud_buf, "scripts": scripts}))
`;

interface Understood {
  readonly config: { write_files: { path: string }[]; runcmd: unknown[]; [key: string]: unknown };
  readonly scripts: Record<string, string>;
}

function understood(userData: string): Understood {
  const { status, stdout, stderr } = spawnSync(PYTHON, ["-c", READER], { input: userData, encoding: "utf8" });
  expect({ status, stderr: status === 0 ? "" : stderr }).toEqual({ status: 0, stderr: "" });
  return JSON.parse(stdout) as Understood;
}

const OWN =
  "#cloud-config\nhostname: bäcker\nruncmd:\n  - [echo, mine]\nwrite_files:\n  - path: /etc/mine\n    content: x\n";
const SCRIPT = '#!/bin/sh\necho "only once"\n';

(cloudInit ? describe : describe.skip)("cloud-init", () => {
  it.each(["mime", "archive"] as const)("loses neither part of a merged document (%s)", (format) => {
    const { config, scripts } = understood(bootstrapUserData({}, { format, merge: [OWN, SCRIPT] }));
    expect(config.hostname).toBe("bäcker");
    expect(config.runcmd).toEqual([COMMAND, ["echo", "mine"]]);
    const paths = config.write_files.map(({ path }) => path);
    expect(paths).toEqual(expect.arrayContaining(["/etc/mine", COMMAND[0], "/etc/vpc-identity/config.json"]));
    expect(Object.values(scripts)).toEqual([SCRIPT]);
    expect(Object.keys(scripts).every((name) => name > "runcmd")).toBe(true);
  });

  it("reads the plain form as it reads a merged one without other parts", () => {
    const [plain, mime] = [understood(bootstrapUserData()), understood(bootstrapUserData({}, { format: "mime" }))];
    expect(mime.config.runcmd).toEqual(plain.config.runcmd);
    expect(mime.config.write_files).toEqual(plain.config.write_files);
  });
});

(schema ? describe : describe.skip)("cloud-init schema", () => {
  const judged = (text: string): { status: number | null; output: string } => {
    const folder = mkdtempSync(join(tmpdir(), "vpc-identity-schema-"));
    const file = join(folder, "user-data");
    writeFileSync(file, text);
    const { status, stdout, stderr } = spawnSync("cloud-init", ["schema", "-c", file], { encoding: "utf8" });
    rmSync(folder, { recursive: true, force: true });
    return { status, output: `${stdout}${stderr}` };
  };

  it.each<[string, BootstrapOptions]>([
    ["default options", {}],
    ["hooks", { hooks: { reload: ["nginx.service"] }, certificate: { subject: { O: "Bäckerei" } } }],
  ])("finds nothing in a cloud-config of %s", (_name, options) => {
    for (const compress of [true, false]) {
      expect(judged(bootstrapUserData(options, { compress }))).toMatchObject({ status: 0 });
    }
  });

  it("would find a mistake", () => {
    expect(judged("#cloud-config\nwrite_files: 7\n").status).not.toBe(0);
  });
});

const unshare = spawnSync("unshare", ["-rnmpf", "--kill-child", "--mount-proc", "true"]).status === 0;

(unshare ? describe : describe.skip)("a server booted from user data of several parts", () => {
  it.each(["mime", "archive"] as const)("has its identity before the user's own parts run (%s)", async (format) => {
    const emulator = await startEmulator({ provisionSeconds: 0 });
    const look = "test -s /run/vpc-identity/tokens/default && echo";
    const userData = bootstrapUserData(
      { certificate: false },
      {
        format,
        merge: [
          `#!/bin/sh\n${look} script \u{e4}\n`,
          `#cloud-config\nruncmd:\n  - ${look} runcmd\nwrite_files:\n  - {path: /etc/mine, content: kept}\n`,
          `#cloud-boothook\n#!/bin/sh\ntest -e /usr/local/bin/vpc-identity || echo boothook\n`,
        ],
      },
    );
    const { socket } = await makeServer(emulator, { name: "several-parts", userData });
    const server = await bootInstance({ socket, timeoutMs: 30_000 });
    try {
      expect([server.exitCode, server.log]).toEqual([
        0,
        expect.stringMatching(/^boothook\n[^]*\nruncmd\nscript \u{e4}\n$/u),
      ]);
      expect(await server.readFile("/etc/mine")).toBe("kept");
    } finally {
      await server.shutdown();
      await emulator.close();
    }
  });
});

describe("the form of the user data", () => {
  it.each([
    {
      name: "an image without cloud-init",
      form: { imageUserDataFormat: "ipxe" } as const,
      says: /does not run cloud-init/,
    },
    {
      name: "merging into a script",
      form: { format: "script", merge: [OWN] } as const,
      says: /must be "mime" or "archive"/,
    },
    { name: "a part of no known kind", form: { merge: ["hello\n"] }, says: /merge\[0\]: begins with "hello"/ },
    {
      name: "an archive as a part",
      form: { merge: ["#cloud-config-archive\n- x\n"] },
      says: /merge\[0\]: begins with/,
    },
  ])("refuses $name", ({ form, says }) => {
    expect(() => bootstrapUserData({}, form)).toThrow(says);
  });

  it("tells once of a part that is not there", () => {
    expect(validateUserDataForm({ merge: [null] }, "")).toEqual([
      { property: "merge[0]", reason: "is missing; leave the entry out instead" },
    ]);
  });

  it("is the same every time", () => {
    const make = (): string => bootstrapUserData({}, { merge: [OWN, SCRIPT] });
    expect(make()).toBe(make());
    expect(make()).toMatch(/^[\x20-\x7e\n\t]*$/);
  });
});

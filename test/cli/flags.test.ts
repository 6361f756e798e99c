/** Where a command's settings come from, and that everything wrong with a call is told at once. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readFlags, type FlagTable } from "../../cli/flags";
import { SETTINGS } from "../../cli/settings";

const TABLE: FlagTable = {
  ...SETTINGS,
  yes: { type: "boolean", short: "y" },
  config: { type: "string", short: "c", multiple: true },
};

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "cli-flags-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function read(args: readonly string[], env: NodeJS.ProcessEnv = {}): ReturnType<typeof readFlags> {
  return readFlags({ name: "up", flags: TABLE }, args, { env, folder });
}

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

describe("a setting", () => {
  it.each([
    ["the flag wins", ["--stack", "flag"], { VPC_IDENTITY_STACK: "env" }, "stack: file\n", "flag"],
    ["then the environment", [], { VPC_IDENTITY_STACK: "env" }, "stack: file\n", "env"],
    ["an empty variable counts as not set", [], { VPC_IDENTITY_STACK: "" }, "stack: file\n", "file"],
    ["then the file", [], {}, "stack: file\n", "file"],
    ["otherwise it is open", [], {}, "engine: embedded\n", undefined],
    ["an empty file says nothing", [], {}, "# nothing yet\n", undefined],
  ])("%s", (_name, args, env, text, stack) => {
    file("vpc-identity.yaml", text);
    const { flags, problems } = read(args, env);
    expect([flags.text("stack"), problems]).toEqual([stack, []]);
  });

  it("is read from a JSON file as well, and a number is one", () => {
    file("vpc-identity.json", '{ "admin-port": 4001, "port": "0" }');
    const { flags } = read([]);
    expect([flags.port("admin-port"), flags.port("port")]).toEqual([4001, 0]);
  });

  it("is read from the project that --cwd or VPC_IDENTITY_CWD names", () => {
    file("vpc-identity.yaml", "stack: file\n");
    const elsewhere = { name: "up", flags: TABLE };
    const surroundings = { folder: "/", env: { VPC_IDENTITY_CWD: folder } };
    expect(readFlags(elsewhere, [], surroundings).flags.text("stack")).toBe("file");
    expect(readFlags(elsewhere, ["--cwd", folder], { folder: "/", env: {} }).flags.text("stack")).toBe("file");
  });

  it("of another command does not disturb, and a command without settings does not read the file", () => {
    file("vpc-identity.yaml", "port: 4000\nstack: x\n");
    const { flags, problems } = readFlags({ name: "x", flags: { stack: SETTINGS.stack } }, [], { env: {}, folder });
    expect([flags.text("stack"), problems]).toEqual(["x", []]);
    file("vpc-identity.yaml", "certificate: {}\n");
    expect(readFlags({ name: "x", flags: {} }, [], { env: {}, folder }).problems).toEqual([]);
  });
});

describe("wrong", () => {
  it("arguments, variables and file are told together, each with its place", () => {
    const path = file("vpc-identity.yaml", "stak: dev\nport: 70000\nseed: [a]\ncwd: /\nboot: systemd\n");
    const { flags, problems } = read(["--engin", "pulumi", "--stack", "a", "--stack", "b", "stray"], {
      VPC_IDENTITY_ENGINE: "embeded",
    });
    const allowed = "allowed: stack, engine, boot, port, admin-port, state, seed";
    expect(problems).toEqual([
      "--engin is not a flag of up; did you mean --engine?",
      "--stack is given more than once",
      '"stray" is not expected here',
      'VPC_IDENTITY_ENGINE is "embeded"; allowed: pulumi, embedded; did you mean embedded?',
      `stak in ${path} is not a setting; did you mean stack?; ${allowed}`,
      `seed in ${path} is ["a"]; allowed: a text or a number`,
      `cwd in ${path} is not a setting; ${allowed}`,
      `port in ${path} is "70000"; allowed: a whole number from 0 to 65535`,
    ]);
    expect(flags.text("boot")).toBe("systemd");
  });

  it.each([
    ["a file that is no mapping", "- stack\n", "is not a mapping of settings"],
    ["a file that is no YAML", "stack: [\n", "is not YAML: "],
  ])("%s", (_name, text, says) => {
    const path = file("vpc-identity.yml", text);
    expect(read([]).problems).toEqual([expect.stringContaining(`${path} ${says}`)]);
  });

  it.each([
    [["stray"], ['"stray" is not expected here']],
    [["--unknown", "value"], ["--unknown is not a flag of up"]],
    [
      ["--unknown=value", "stray"],
      ["--unknown is not a flag of up", '"stray" is not expected here'],
    ],
    [["--stack", "--yes"], ["--stack needs a value, and --yes is a flag (if it is the value: --stack=--yes)"]],
    [["--stack"], ["--stack needs a value"]],
    [["--no-yes"], ["--no-yes is not a flag of up"]],
    [["-x"], ["-x is not a flag of up"]],
    [["--constructor"], ["--constructor is not a flag of up"]],
    [["--port", "1e3"], ['--port is "1e3"; allowed: a whole number from 0 to 65535']],
  ])("%j", (args, problems) =>
    expect(read(args).problems.map((one) => one.replace(/; did you.*/, ""))).toEqual(problems),
  );

  it("but a value that begins with a dash can be given, and lists grow", () => {
    const { flags, problems } = read(["--stack=-x", "-c", "a=1", "-cb=2", "--config=c=3", "-y"]);
    expect([flags.text("stack"), flags.list("config"), flags.on("yes"), problems]).toEqual([
      "-x",
      ["a=1", "b=2", "c=3"],
      true,
      [],
    ]);
  });
});

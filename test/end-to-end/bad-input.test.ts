/** Mistakes as users make them: all told at once, before anything is made, through the command and the engine. */
import { startEmulator, type Emulator } from "../../emulator";
import { Project } from "../support/project";

let emulator: Emulator;

beforeAll(async () => {
  emulator = await startEmulator();
});
afterAll(() => emulator.close());

const GOOD = `{
  vpcId: "r006-11111111-2222-4333-8444-555555555555", subnetId: "0717-11111111-2222-4333-8444-555555555555", zone: "us-south-1",
  imageId: "r006-11111111-2222-4333-8444-666666666666", instanceProfile: "bx2-2x8",
  trustedProfile: { policies: [{ roles: ["Operator"], service: "is" }] },
}`;

async function preview(
  program: string,
  env: Record<string, string> = emulator.env,
): Promise<{ exitCode: number | null; output: string }> {
  const project = Project.ofProgram(program, env);
  try {
    const { exitCode, output } = await project.cli("preview", "--engine", "embedded");
    expect(await project.resources()).toEqual([]);
    return { exitCode, output };
  } finally {
    project.remove();
  }
}

const linked = (changes: string): string =>
  `import { LinkedInstance } from "pulumi-ibm-vpc-identity";\nnew LinkedInstance("app", { ...${GOOD}, ${changes} } as any);\n`;

describe("a component with many mistakes", () => {
  it("names every one of them, with path, value seen and what is allowed, and makes no call", async () => {
    const calls = emulator.journal().length;
    const { exitCode, output } = await preview(
      linked(`
        name: "My-VM",
        metadataService: { protocol: "tcp", responseHopLimit: 65 },
        trustedProfile: { id: "Profile-9f7a2b7e-0000-4000-8000-000000000000", crn: "crn:v1:bluemix:public:iam-identity::a/0123::profile:Profile-9f7a2b7e-0000-4000-8000-000000000000" },
        bootstrap: { certificate: { subject: { CN: "me" } } },
        instanceProfil: "x",
      `),
    );
    expect(exitCode).toBe(1);
    for (const text of [
      /name: is "My-VM"/,
      /metadataService\.protocol: is "tcp"; must be one of "http", "https"/,
      /metadataService\.responseHopLimit: is 65; must be a whole number from 1 to 64/,
      /trustedProfile.*"id" and "crn"/,
      /bootstrap\.certificate\.subject\.CN: is not allowed; the service sets the common name/,
      /instanceProfil: is not an argument; did you mean "instanceProfile"\?/,
    ]) {
      expect(output).toMatch(text);
    }
    expect(emulator.journal()).toHaveLength(calls);
  });

  it.each([
    [
      "hop limit 0",
      `metadataService: { responseHopLimit: 0 }`,
      /metadataService\.responseHopLimit: is 0; must be a whole number from 1 to 64/,
    ],
    [
      "no roles",
      `trustedProfile: { policies: [{ roles: [], service: "is" }] }`,
      /trustedProfile\.policies\[0\]\.roles: .*at least 1/,
    ],
    [
      "user data too large",
      `bootstrap: { iamTokens: Array.from({ length: 9000 }, (_, i) => ({ name: "t" + i, profileId: "Profile-" + require("crypto").randomUUID() })) }`,
      /has \d+ bytes.*65,?536/,
    ],
  ])("%s", async (_name, changes, expected) => {
    const { exitCode, output } = await preview(linked(changes));
    expect(exitCode).toBe(1);
    expect(output).toMatch(expected);
  });
});

describe("roles", () => {
  it("an unknown role name is refused at preview, with the names allowed", async () => {
    const { exitCode, output } = await preview(
      linked(`trustedProfile: { policies: [{ roles: ["Operater"], service: "is" }] }`),
    );
    expect(exitCode).toBe(1);
    expect(output).toMatch(/Operater/);
    expect(output).toMatch(/Administrator.*Editor|Viewer.*Operator/);
  });
});

describe("credentials", () => {
  const { PATH = "" } = process.env;

  it("none: says which settings were looked for, in which order", async () => {
    const project = Project.ofProgram(linked(""), { PATH, IBMCLOUD_REGION: "us-south" });
    const { exitCode, output } = await project.cli("up", "--yes", "--engine", "embedded");
    expect(exitCode).toBe(1);
    const order = ["vpc-identity:apiKey", "IC_API_KEY", "IBMCLOUD_API_KEY"].map((name) => output.indexOf(name));
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(order).not.toContain(-1);
    project.remove();
  });

  it("an API key in stack config without --secret is refused by the command, and nothing is stored", async () => {
    const project = Project.ofProgram(linked(""), emulator.env);
    const { exitCode, output } = await project.cli(
      "up",
      "--yes",
      "--engine",
      "embedded",
      "-c",
      `vpc-identity:apiKey=${emulator.apiKey}`,
    );
    expect(exitCode).toBe(2);
    expect(output).toContain("--secret vpc-identity:apiKey");
    expect(output).not.toContain(emulator.apiKey);
    expect((await project.engine("stack", "ls", "--json")).stdout.trim()).toBe("[]");
    project.remove();
  });

  it("one put there by other means is refused by the library, before anything is registered", async () => {
    const project = Project.ofProgram(linked(""), emulator.env);
    await project.engine("stack", "init", "dev", "--no-select");
    await project.engine("config", "set", "--stack", "dev", "--plaintext", "vpc-identity:apiKey", emulator.apiKey);
    const { exitCode, output } = await project.up();
    expect(exitCode).not.toBe(0);
    expect(output).toMatch(/vpc-identity:apiKey.*secret/s);
    expect(emulator.inventory().profiles).toEqual([]);
    expect(JSON.stringify(await project.resources())).not.toContain(emulator.apiKey);
    project.remove();
  });
});

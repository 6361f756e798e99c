import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import * as fc from "fast-check";
import { parse } from "yaml";
import { type BootstrapOptions, bootstrapScript, bootstrapUserData, USER_DATA_LIMIT_BYTES } from "../../bootstrap";
import { INSTALLED_SCRIPT } from "../../bootstrap/script";

const PEM = `-----BEGIN CERTIFICATE-----\n${"A".repeat(64)}\n-----END CERTIFICATE-----\n`;

interface WrittenFile {
  readonly path: string;
  readonly permissions: string;
  readonly encoding?: string;
  readonly content: string;
}

function filesOf(userData: string): Record<string, string> {
  const { write_files: files } = parse(userData) as { write_files: WrittenFile[] };
  return Object.fromEntries(
    files.map(({ path, encoding, content }) => [
      path,
      encoding === "gz+b64" ? gunzipSync(Buffer.from(content, "base64")).toString("utf8") : content,
    ]),
  );
}

/** Options with texts that could break out of a YAML block, a here-document, a JSON text or a shell word. */
const anyOptions: fc.Arbitrary<BootstrapOptions> = fc
  .tuple(
    fc.string({ unit: "grapheme", minLength: 1, maxLength: 30 }),
    fc.constantFrom(
      "'",
      '"',
      "$(id)",
      "`id`",
      "\\",
      "#x",
      "END_OF_FILE",
      "{{ x }}",
      "'''",
      "a: b",
      "%s",
      "\\n",
      "\u{1F600}",
    ),
  )
  .map(([random, special]) => `x${random}${special}x`.slice(0, 60))
  .filter((value) => !/[\p{C}\p{Zl}\p{Zp}]/u.test(value))
  .map((value) => ({ certificate: { subject: { O: value, ST: value } } }));

function errorOf(action: () => unknown): unknown {
  try {
    return action();
  } catch (error) {
    return error;
  }
}

describe("bootstrapUserData", () => {
  it("is what the golden file says for the default options", () => {
    const golden = join(__dirname, "testdata", "default.cloud-config");
    const packed = parse(bootstrapUserData()) as unknown;
    const plain = bootstrapUserData({}, { compress: false });
    expect(plain).toBe(readFileSync(golden, "utf8"));
    expect(filesOf(bootstrapUserData())).toEqual(filesOf(plain));
    expect((packed as { runcmd: unknown }).runcmd).toEqual((parse(plain) as { runcmd: unknown }).runcmd);
  });

  it("has at most 16 KiB by default, all of it printable ASCII", () => {
    const userData = bootstrapUserData();
    expect(Buffer.byteLength(userData)).toBeLessThanOrEqual(16_384);
    expect(userData.startsWith("#cloud-config\n")).toBe(true);
    for (const document of [
      userData,
      bootstrapUserData({ certificate: { subject: { O: "Bäckerei 😀" } } }),
      bootstrapScript(),
    ]) {
      expect(document).toMatch(/^[\x20-\x7e\n\t]*$/);
    }
  });

  it("has nothing that the template engine or the MIME reader of cloud-init would take for its own", () => {
    const plain = bootstrapUserData({}, { compress: false });
    expect(plain).not.toMatch(/\{\{|\{%|\{#|mime-version:|## template/i);
  });

  it("runs one command, whose exit code is that of the boot", () => {
    const commands = (options: BootstrapOptions): unknown =>
      (parse(bootstrapUserData(options)) as { runcmd: unknown }).runcmd;
    const command = "/usr/local/bin/vpc-identity";
    expect(commands({})).toEqual([[command, "provision"]]);
    expect(commands({ renewal: false })).toEqual([[command, "once"]]);
    expect(Object.keys(filesOf(bootstrapUserData({ renewal: false }))).join()).not.toContain("systemd");
  });

  it("installs the same script whatever the options, without secrets in any file", () => {
    const files = filesOf(
      bootstrapUserData({ certificate: { keySize: 4096 }, group: "www", trustRootsPem: `${PEM}${PEM}` }),
    );
    expect(files["/usr/local/bin/vpc-identity"]).toBe(INSTALLED_SCRIPT);
    expect(files["/etc/vpc-identity/trust-roots.pem"]).toBe(`${PEM}${PEM}`);
    expect(JSON.parse(files["/etc/vpc-identity/config.json"] ?? "")).toMatchObject({
      group: "www",
      certificate: { keySize: 4096 },
    });
  });

  it("throws one error with every problem", () => {
    const options = { certificate: { keySize: 1024 }, protocol: "tcp" } as unknown as BootstrapOptions;
    expect(errorOf(() => bootstrapUserData(options))).toMatchObject({
      code: "IBMID_INVALID_BOOTSTRAP",
      message: expect.stringMatching(/certificate\.keySize: is 1024[\s\S]*protocol: is "tcp"/) as string,
    });
  });

  it("refuses what is larger than the VPC API takes, and says by how much", () => {
    const iamTokens = Array.from({ length: 700 }, (_, index) => ({
      name: `t${index}`,
      profileId: "Profile-6d3cbb1e-ae8c-4d0e-a95d-2e6a5c1d1f2a",
    }));
    expect(errorOf(() => bootstrapUserData({ iamTokens }, { compress: false }))).toMatchObject({
      code: "IBMID_USER_DATA_TOO_LARGE",
      message: expect.stringMatching(`has \\d+ bytes; the VPC API takes at most ${USER_DATA_LIMIT_BYTES}`) as string,
    });
  });

  it("brings any subject to the server unharmed, as cloud-config", () => {
    fc.assert(
      fc.property(anyOptions, (options) => {
        const config = JSON.parse(
          filesOf(bootstrapUserData(options))["/etc/vpc-identity/config.json"] ?? "",
        ) as BootstrapOptions;
        expect(config.certificate).toMatchObject(options.certificate as object);
      }),
      { numRuns: 200 },
    );
  });

  it("brings any subject to the server unharmed, through a shell", () => {
    const root = mkdtempSync(join(tmpdir(), "vpc-identity-script-"));
    // Nothing listens on port 1, so the script ends after its first attempt.
    const env = {
      PATH: process.env.PATH ?? "",
      VPC_IDENTITY_ROOT: root,
      VPC_IDENTITY_METADATA_URL: "http://127.0.0.1:1",
    };
    fc.assert(
      fc.property(anyOptions, (options) => {
        const input = bootstrapScript({ ...options, firstBootSeconds: 0, retrySeconds: 0 });
        expect(spawnSync("sh", ["-s"], { input, env }).status).toBe(4);
        const config = JSON.parse(
          readFileSync(join(root, "/etc/vpc-identity/config.json"), "utf8"),
        ) as BootstrapOptions;
        expect(config.certificate).toMatchObject(options.certificate as object);
        expect(readFileSync(join(root, "/usr/local/bin/vpc-identity"), "utf8")).toBe(INSTALLED_SCRIPT);
        expect(statSync(join(root, "/usr/local/bin/vpc-identity")).mode & 0o777).toBe(0o755);
      }),
      { numRuns: 15 },
    );
    rmSync(root, { recursive: true, force: true });
  });
});

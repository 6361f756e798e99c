/** `npm run docs` makes one folder of pages that open from the file system: everything they link to or load is in it. */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { REPOSITORY } from "../support/project";

// All sources are read and checked once more, on a machine that may have others to run.
jest.setTimeout(300_000);

let site: string;
let output = "";
let exitCode: number | null;

beforeAll(async () => {
  site = mkdtempSync(join(tmpdir(), "vpc-identity-site-"));
  const child = spawn(process.execPath, [join(REPOSITORY, "docs", "build.mjs"), site]);
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  }
  exitCode = await new Promise((resolve) => child.on("close", resolve));
});
afterAll(() => rmSync(site, { recursive: true, force: true }));

const pagesOf = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".html"));

it("is built without a warning", () => {
  expect([exitCode, output.trim()]).toEqual([0, join(site, "index.html")]);
});

it("has the guides, and a page for each component and entry point", () => {
  const pages = pagesOf(site);
  const guides = readdirSync(join(REPOSITORY, "docs")).filter((name) => name.endsWith(".md"));
  expect(guides.length).toBeGreaterThan(8);
  for (const guide of guides) expect(pages).toContain(`documents/docs_${guide.replace(".md", ".html")}`);
  for (const page of ["LinkedInstance", "LinkedInstanceFleet", "AccessPolicy", "TrustedProfile", "Instance"]) {
    expect(pages).toContain(`classes/pulumi-ibm-vpc-identity.${page}.html`);
  }
  for (const entry of ["bootstrap", "emulator", "engine"]) {
    expect(pages).toContain(`modules/pulumi-ibm-vpc-identity_${entry}.html`);
  }
});

it("tells a type by its name where that says more than what it stands for", () => {
  const page = readFileSync(join(site, "interfaces", "pulumi-ibm-vpc-identity.LinkedInstanceArgs.html"), "utf8");
  const [, type] = /bootstrap\?: (\S+);\s/.exec(page.replace(/<[^>]+>/g, "")) ?? [];
  expect(type).toBe("DeepInput&lt;BootstrapOptions&gt;");
});

it("has everything that its pages link to or load", () => {
  const lost = pagesOf(site).flatMap((page) => {
    const targets = readFileSync(join(site, page), "utf8").matchAll(/(?:href|src)="([^"#]+)(?:#[^"]*)?"/g);
    return Array.from(targets, ([, target = ""]) => decodeURI(target))
      .filter((target) => !/^(https|data):/.test(target))
      .filter((target) => !existsSync(join(site, dirname(page), target)))
      .map((target) => `${page}: ${target}`);
  });
  expect(lost).toEqual([]);
});

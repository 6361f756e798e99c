/** docs/bootstrap.md says what the code says: every option with its default, every file, every exit code. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as ts from "typescript";
import { type BootstrapOptions, EXIT_CODES, userDataReport } from "../../bootstrap";

const ROOT = join(__dirname, "..", "..");
const DOCUMENT = readFileSync(join(ROOT, "docs", "bootstrap.md"), "utf8");

interface Option {
  readonly name: string;
  readonly optional: boolean;
  readonly fallback: string | undefined;
}

/** The fields of every interface of options, with their `@default`. */
function optionsOf(file: string): Record<string, Option[]> {
  const source = ts.createSourceFile(
    file,
    readFileSync(join(ROOT, "bootstrap", file), "utf8"),
    ts.ScriptTarget.ES2022,
    true,
  );
  const interfaces = source.statements
    .filter(ts.isInterfaceDeclaration)
    .filter(({ name }) => !name.text.startsWith("Resolved"));
  return Object.fromEntries(
    interfaces.map(({ name, members }) => [
      name.text,
      members.filter(ts.isPropertySignature).map((member) => {
        const tag = ts.getJSDocTags(member).find(({ tagName }) => tagName.text === "default");
        return {
          name: member.name.getText().replace(/^"|"$/g, ""),
          optional: member.questionToken !== undefined,
          fallback: tag && ts.getTextOfJSDocComment(tag.comment)?.replace(/\s+/g, " "),
        };
      }),
    ]),
  );
}

const INTERFACES = { ...optionsOf("options.ts"), ...optionsOf("consumers.ts"), ...optionsOf("user-data-form.ts") };

/** How a default stands in the document: `- none` is prose, anything else a value. */
function cellOf({ optional, fallback = "" }: Option): string {
  if (!optional) return "required";
  return fallback.startsWith("- ")
    ? fallback.slice(2)
    : fallback.startsWith("`")
      ? fallback
      : fallback.replace(/^("[^"]*"|\S+?)(?=,|;|$)/, "`$1`");
}

it.each(Object.entries(INTERFACES))(
  "the document has the options of %s, in their order, with their defaults",
  (name, options) => {
    const section = DOCUMENT.split(/^### /m).find((text) => text.startsWith(`${name}\n`)) ?? "";
    const rows = section
      .split("\n")
      .flatMap((line) => /^\| `([^`]+)` +\| (.*?) +\| .*\w.* \|$/.exec(line)?.slice(1, 3).join(" | ") ?? []);
    expect(rows).toEqual(options.map((option) => `${option.name} | ${cellOf(option)}`));
    expect(options.filter(({ optional, fallback }) => optional && fallback === undefined)).toEqual([]);
  },
);

it("the document has every file that user data may bring", () => {
  const everything: BootstrapOptions = {
    trustRootsPem: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    metadataCaPem: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    combinedPem: true,
  };
  const paths = userDataReport(everything)
    .parts.map(({ name }) => name)
    .filter((name) => name.startsWith("/"));
  expect(paths.length).toBeGreaterThan(6);
  for (const path of paths) expect(DOCUMENT).toContain(`| \`${path}\``);
});

it("the document has every exit code with its meaning", () => {
  const rows = Array.from(DOCUMENT.matchAll(/^\| (\d+) +\| (.*?) +\|$/gm), ([, code, meaning]) => [
    Number(code),
    meaning,
  ]);
  expect(Object.fromEntries(rows)).toEqual(EXIT_CODES);
});

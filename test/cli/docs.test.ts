/** docs/cli.md names every command, flag, setting and exit code as the code has them. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { EXIT, type Command } from "../../cli/command";
import { COMMANDS } from "../../cli/commands";
import { command as bootstrap } from "../../cli/bootstrap";
import { command as cancel } from "../../cli/cancel";
import { command as demo } from "../../cli/demo";
import { command as destroy } from "../../cli/destroy";
import { command as doctor } from "../../cli/doctor";
import { command as emulator } from "../../cli/emulator";
import { command as output } from "../../cli/output";
import { command as preview } from "../../cli/preview";
import { command as refresh } from "../../cli/refresh";
import { FILE_KEYS, SETTINGS, SETTINGS_FILES, variableOf } from "../../cli/settings";
import { command as up } from "../../cli/up";
import { REPOSITORY } from "../support/project";

const ALL = [up, preview, refresh, destroy, output, cancel, bootstrap, doctor, demo, emulator];

const text = readFileSync(join(REPOSITORY, "docs", "cli.md"), "utf8");

/** What stands below a heading, up to the next one of its level or above. */
function section(heading: string): string {
  const at = text.indexOf(`\n${heading}\n`);
  if (at < 0) throw new Error(`docs/cli.md has no ${heading}`);
  const rest = text.slice(at + heading.length + 2);
  const level = heading.split(" ")[0]?.length ?? 0;
  return rest.slice(0, new RegExp(`\n#{1,${level}} `).exec(rest)?.index ?? rest.length);
}

/** The rows of all tables of a text, cells trimmed, without headings. */
function rows(markdown: string): string[][] {
  return markdown
    .split("\n")
    .filter((line, index, lines) => line.startsWith("|") && !isHeading(line) && !isHeading(lines[index + 1] ?? ""))
    .map((line) =>
      line
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll("\\|", "|")),
    );
}

/** The line below the heading of a table. */
const isHeading = (line: string): boolean => /^\|(?:-+\|)+$/.test(line);

const code = (words: string): string => `\`${words}\``;

function flagRows({ flags }: Command): string[][] {
  return Object.entries(flags).map(([name, { short, value, about = "", otherwise = "" }]) => [
    code(`${short === undefined ? "" : `-${short}, `}--${name}${value === undefined ? "" : ` ${value}`}`),
    about,
    otherwise,
  ]);
}

describe("docs/cli.md", () => {
  it.each(ALL.map((command) => [command.name, command] as const))("%s: its summary and its flags", (name, command) => {
    const told = section(`### ${name}`);
    expect(told).toContain(command.summary);
    expect(rows(told)).toEqual(flagRows(command));
  });

  it("names no command that there is not", () => {
    const named = [...text.matchAll(/^### (\S+)$/gm)].map(([, name]) => name);
    expect(named).toEqual(Object.keys(COMMANDS));
    expect(ALL.map(({ name }) => name)).toEqual(named);
  });

  it("names every setting, its variable and whether it may stand in the file", () => {
    const expected = Object.keys(SETTINGS).map((name) => [
      code(`--${name}`),
      code(variableOf(name)),
      FILE_KEYS.includes(name) ? code(name) : "-",
    ]);
    expect(rows(section("## Settings"))).toEqual(expected);
    expect(section("## Settings")).toContain(SETTINGS_FILES.map(code).join(", "));
  });

  it("names every exit code", () => {
    const codes = rows(section("## Exit codes")).map(([number]) => Number(number));
    expect(codes).toEqual(Object.values(EXIT));
  });
});

describe("--help tells of every flag", () => {
  it.each(ALL.map(({ name, flags }) => [name, flags] as const))("%s", (_name, flags) => {
    for (const { about, type, value } of Object.values(flags)) {
      expect(about).toMatch(/\S/);
      expect(value !== undefined).toBe(type === "string");
    }
  });
});

/**
 * The arrows between the rooms. The emulator and the engine import nothing of the rest: that is what makes "it works on
 * the emulator" evidence and not an echo of the client.
 */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative, sep } from "node:path";
import * as ts from "typescript";

const ROOT = join(__dirname, "..");

const PAGE = "emulator/console/page";

/** A room, and what it may import: rooms by folder name, packages by the names listed. Node's own modules are free. */
const ROOMS: Record<string, { rooms: string[]; packages: string[] }> = {
  core: { rooms: [], packages: [] },
  client: { rooms: ["core"], packages: ["undici"] },
  provider: { rooms: ["client", "core"], packages: ["@pulumi/pulumi"] },
  components: { rooms: ["provider", "bootstrap", "core"], packages: ["@pulumi/pulumi"] },
  bootstrap: { rooms: ["core"], packages: [] },
  emulator: { rooms: [], packages: ["node-forge", "yaml"] },
  // Runs in a browser: its libraries are bundled into it.
  [PAGE]: { rooms: ["emulator"], packages: ["preact", "@dagrejs/dagre"] },
  // google-protobuf is the one that comes with the SDK: types only, its code is resolved from there.
  engine: { rooms: [], packages: ["@pulumi/pulumi", "@grpc/grpc-js", "google-protobuf", "yaml"] },
  cli: { rooms: ["emulator", "engine", "bootstrap", "client"], packages: ["yaml"] },
};
const BARREL_ROOMS = ["components", "provider", "bootstrap", "core"];

function sources(folder: string): string[] {
  return (
    readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((name) => /\.tsx?$/.test(name))
      .map((name) => join(folder, name))
      // The page lies in the emulator and is a room of its own.
      .filter((file) => folder === join(ROOT, PAGE) || !file.startsWith(join(ROOT, PAGE, sep)))
  );
}

function importsOf(file: string): string[] {
  return ts.preProcessFile(readFileSync(file, "utf8"), true, true).importedFiles.map(({ fileName }) => fileName);
}

/** What is wrong with the imports of one file; `allowed` are those of its room. */
function forbidden(file: string, room: string, allowed: { rooms: string[]; packages: string[] }): string[] {
  return importsOf(file).flatMap((name) => {
    const where = `${relative(ROOT, file)} imports ${name}`;
    if (name.startsWith("node:")) return [];
    if (name.startsWith(".")) {
      const target = relative(ROOT, normalize(join(dirname(file), name))).split("/")[0] ?? "";
      return target === room || allowed.rooms.includes(target) ? [] : [where];
    }
    const packageName = name
      .split("/")
      .slice(0, name.startsWith("@") ? 2 : 1)
      .join("/");
    return allowed.packages.includes(packageName) ? [] : [where];
  });
}

describe("rooms", () => {
  it.each(Object.entries(ROOMS))("%s imports only what its arrows allow", (room, allowed) => {
    const files = sources(join(ROOT, room));
    expect(files.length).toBeGreaterThan(0);
    expect(files.flatMap((file) => forbidden(file, room, allowed))).toEqual([]);
  });

  it("index.ts re-exports the public rooms and nothing else", () => {
    const file = join(ROOT, "index.ts");
    expect(forbidden(file, "index.ts", { rooms: BARREL_ROOMS, packages: [] })).toEqual([]);
  });

  it("examples know the package by its name only", () => {
    const files = sources(join(ROOT, "examples")).filter((file) => !file.includes("node_modules"));
    expect(files.length).toBeGreaterThan(0);
    // What an example is split into is its own; what lies outside of its folder is not.
    const leaves = (file: string, name: string): boolean => {
      const [, example = ""] = relative(ROOT, file).split(sep);
      return name.startsWith(".") && relative(join(ROOT, "examples", example), join(file, "..", name)).startsWith("..");
    };
    expect(files.flatMap((file) => importsOf(file).filter((name) => leaves(file, name)))).toEqual([]);
    expect(leaves(join(ROOT, "examples", "fleet", "index.ts"), "../../index")).toBe(true);
    expect(leaves(join(ROOT, "examples", "fleet", "index.ts"), "../walk-through/index")).toBe(true);
  });

  it("the check finds a forbidden import", () => {
    const file = join(ROOT, "provider", "trusted-profile.ts");
    expect(forbidden(file, "emulator", { rooms: [], packages: [] })).not.toEqual([]);
  });
});

describe("files", () => {
  const rooms = [...Object.keys(ROOMS), "test"];
  const all = [...rooms.flatMap((room) => sources(join(ROOT, room))), join(ROOT, "index.ts")];

  it("have fewer than 400 lines", () => {
    const long = all
      .map((file) => [relative(ROOT, file), readFileSync(file, "utf8").split("\n").length] as const)
      .filter(([, lines]) => lines > 400);
    expect(long).toEqual([]);
  });
});

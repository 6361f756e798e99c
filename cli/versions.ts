/** Versions of packages, and whether they are in the ranges that our own package.json names: `>=a.b` and `^a.b.c`. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

interface Manifest {
  readonly version: string;
  readonly engines: { readonly node: string };
  readonly peerDependencies: { readonly "@pulumi/pulumi": string };
}

/** Where this package lies. It asks for itself by name, so that it does not matter in which folder compiled code ends up. */
export function packageRoot(): string {
  return dirname(createRequire(__filename).resolve("pulumi-ibm-vpc-identity/package.json"));
}

export function packageManifest(): Manifest {
  return JSON.parse(readFileSync(join(packageRoot(), "package.json"), "utf8")) as Manifest;
}

/** The version of a package as programs in a folder find it. */
export function versionSeenFrom(folder: string, name: string): string | undefined {
  try {
    const path = createRequire(join(folder, "index.js")).resolve(`${name}/package.json`);
    return (JSON.parse(readFileSync(path, "utf8")) as { version: string }).version;
  } catch {
    return undefined;
  }
}

export function isWithin(version: string, range: string): boolean {
  const [found, least] = [numbersOf(version), numbersOf(range)];
  if (range.startsWith("^") && found[0] !== least[0]) return false;
  const differing = least.findIndex((number, index) => number !== (found[index] ?? 0));
  return differing < 0 || (found[differing] ?? 0) > (least[differing] ?? 0);
}

const numbersOf = (text: string): number[] => (/\d+(?:\.\d+)*/.exec(text)?.[0] ?? "").split(".").map(Number);

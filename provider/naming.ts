/**
 * Names that a later run can compute again, so that an object whose create was never answered is found and not orphaned.
 *
 * A constructor passes a mark made from the stack's seed and the resource's URN; the name adds a hash of it and of every
 * field whose change means another object. Both stay as they are while no such field changes: an alias must not rename.
 */
import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import { UNKNOWN_SENTINEL, isKnown } from "../core/validate";
import { type FieldTable, canonicalJson, changedFields } from "./diff";
import { stackSeed } from "./stack-seed";

type Properties = Readonly<Record<string, unknown>>;

const sha256 = (text: string): string => createHash("sha256").update(text, "utf8").digest("hex");

/** `<16 hexadecimal digits>:<logical name>`: who an object belongs to. Unknown until the stack's seed is made. */
export function markOf(token: string, name: string, parent: pulumi.Resource | undefined): pulumi.Output<string> {
  // As an Output, the URN would depend on the parent, and to wait for a component is to wait for all its children: two
  // of them would wait for each other. As a promise it is only a text; URNs are known even in a preview.
  const urn = new Promise<string>((resolve) => void pulumi.createUrn(name, token, parent).apply(resolve));
  return pulumi.all([stackSeed(), urn]).apply(([seed, known]) => `${sha256(`${seed} ${known}`).slice(0, 16)}:${name}`);
}

/** The resource's name in the program, for messages. */
export function logicalName(inputs: Properties): string {
  const mark = inputs.mark;
  return typeof mark === "string" && mark.includes(":") ? mark.slice(mark.indexOf(":") + 1) : "(unnamed)";
}

/** What of `inputs` decides whether it is the same object; unset fields do not count. */
function identityOf(inputs: Properties, replacing: readonly string[]): [string, unknown][] {
  return replacing
    .filter((field) => inputs[field] !== undefined && inputs[field] !== null)
    .sort()
    .map((field) => [field, inputs[field]]);
}

/** Eight hexadecimal digits that only this resource, with these replacing fields, in this stack, has. */
export function hashOf(inputs: Properties, replacing: readonly string[]): string {
  return sha256(canonicalJson([inputs.mark, identityOf(inputs, replacing)])).slice(0, 8);
}

/**
 * True while `news` may describe the object that `olds` (inputs too) described, so that its mark and its names stay. For a
 * field that was left out IBM chose a value, which only the outputs tell: whether the field says the same now is up to
 * `diff`, and what `diff` replaces is checked once more, as a new object.
 */
export function isSameObject(olds: Properties, news: Properties, table: FieldTable): boolean {
  const told = Object.entries(table).filter(
    ([field, { change, absent }]) =>
      change === "replace" && (absent === "clear" || (olds[field] !== undefined && olds[field] !== null)),
  );
  return typeof olds.mark === "string" && changedFields(Object.fromEntries(told), olds, news).length === 0;
}

/**
 * `<logical name>-<hash>`, or Pulumi's sentinel while something it depends on is unknown (in the first preview of a
 * stack there is no seed yet).
 */
export function markedText(inputs: Properties, replacing: readonly string[]): string {
  const parts = [inputs.mark, ...identityOf(inputs, replacing).map(([, value]) => value)];
  if (!parts.every(isKnownThroughout)) return UNKNOWN_SENTINEL;
  return `${logicalName(inputs)}-${hashOf(inputs, replacing)}`;
}

/**
 * The name (or the description) of an object that the user gave none: the one it has while it is the same object, else `text`.
 * One of another form came from somebody else: a refresh put it among the inputs.
 */
export function keptName(kept: unknown, same: boolean, text: string): string {
  const ours = same && typeof kept === "string" && (text === UNKNOWN_SENTINEL || hasFormOf(text, kept));
  return ours ? kept : text;
}

/** True when `name` differs from `text`, which ends in a hash, by its hash at most. */
export function hasFormOf(text: string, name: string): boolean {
  const form = (one: string): string => one.replace(/-[0-9a-f]{8}$/, "-");
  return form(name) === form(text);
}

/** What `check` knows of the name and the description of an object. */
interface Naming {
  readonly given: { readonly name?: string | undefined; readonly description?: string | undefined };
  readonly olds: { readonly name?: string | undefined; readonly description?: string | undefined };
  readonly same: boolean;
  readonly text: string;
}

/**
 * The name, or the description, that carries the hash: a name of the user's has none in it, so then the description does,
 * if the user left it empty.
 */
export function hashedText({ given, olds, same, text }: Naming): { name: string } | { description: string } {
  return given.name === undefined
    ? { name: keptName(olds.name, same, text) }
    : { description: given.description ?? keptName(olds.description, same, text) };
}

/** True when `text` (a name or a description) ends in the hash. */
export function endsWithHash(text: string | undefined, hash: string): boolean {
  return text?.endsWith(`-${hash}`) ?? false;
}

/** True when nothing in `value`, at any depth, is unknown. */
export function isKnownThroughout(value: unknown): boolean {
  if (!isKnown(value)) return false;
  return typeof value !== "object" || value === null || Object.values(value).every(isKnownThroughout);
}

/** `text` as a name that the VPC API takes (lower case letters, digits, hyphens, at most 63), its hash kept. */
export function vpcName(text: string): string {
  if (text === UNKNOWN_SENTINEL) return text;
  const hash = text.slice(-9);
  const start = text
    .slice(0, -9)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^[^a-z]+/, "")
    .slice(0, 63 - hash.length)
    .replace(/-+$/, "");
  return `${start === "" ? "vpc-identity" : start}${hash}`;
}

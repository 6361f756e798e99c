/**
 * The text of a state file: Pulumi's checkpoint format, versions 3 and 4. Reading refuses whatever it would not be able to write
 * back unharmed; writing keeps the text of each resource, since a state is written several times per run and most of it stays.
 */
import { createHash } from "node:crypto";
import { UserError } from "../errors";
import { fieldOrder, requirementsOf, type PendingOperation, type ResourceState } from "../model/resource";
import {
  isObject,
  mapProperties,
  SECRET,
  SIGNATURE,
  signatureOf,
  SPECIAL_NUMBER,
  type Properties,
  type Value,
} from "../model/values";
import { engineVersion } from "../version";
import { type Crypter } from "./secrets";

const SUPPORTED_FEATURES: ReadonlySet<string> = new Set(["hooks", "replaceWith", "taint"]);
const CODED_FIELDS: ReadonlySet<keyof ResourceState> = new Set(["inputs", "outputs", "replacementTrigger"]);

/** A state in memory. `salt` is undefined for a stack that was made but never written. */
export interface Deployment {
  readonly salt: string | undefined;
  readonly secretsProvider: string | undefined;
  readonly resources: readonly ResourceState[];
  readonly pending: readonly PendingOperation[];
}

export const emptyDeployment: Deployment = { salt: undefined, secretsProvider: undefined, resources: [], pending: [] };

function sorted(value: Value): Value {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  const result: Properties = {};
  for (const key of Object.keys(value).sort()) result[key] = sorted(value[key] ?? null);
  return result;
}

/** Go's encoder escapes these two, and so the files stay the same byte for byte. */
function toJson(value: unknown): string {
  return JSON.stringify(value)
    .replace(/\u2028/g, "\\u2028")
    .replace(/\u2029/g, "\\u2029");
}

type Seal = (text: string) => Properties;

function encode(value: Value, seal: Seal | undefined): Value {
  if (typeof value === "number" && !Number.isFinite(value)) {
    const bits = Buffer.alloc(8);
    bits.writeDoubleBE(value);
    return { [SIGNATURE]: SPECIAL_NUMBER, value: bits.toString("hex") };
  }
  if (Array.isArray(value)) return value.map((element) => encode(element, seal));
  if (!isObject(value)) return value;
  // Secrets inside a secret are marked, but not encrypted twice.
  if (value[SIGNATURE] === SECRET) {
    const plain = toJson(sorted(encode(value.value ?? null, undefined)));
    return { [SIGNATURE]: SECRET, ...(seal === undefined ? { plaintext: plain } : seal(plain)) };
  }
  return mapProperties(value, (inner) => encode(inner, seal));
}

function decode(value: Value, crypter: Crypter | undefined): Value {
  if (Array.isArray(value)) return value.map((element) => decode(element, crypter));
  if (!isObject(value)) return value;
  const signature = signatureOf(value);
  if (signature === SECRET) {
    const { ciphertext, plaintext } = value;
    if (typeof plaintext === "string")
      return { [SIGNATURE]: SECRET, value: decode(JSON.parse(plaintext) as Value, crypter) };
    if (typeof ciphertext !== "string" || crypter === undefined) {
      throw new UserError("The state holds a secret, but no secrets provider to decrypt it with.");
    }
    return { [SIGNATURE]: SECRET, value: decode(JSON.parse(crypter.decrypt(ciphertext)) as Value, crypter) };
  }
  if (signature === SPECIAL_NUMBER && typeof value.value === "string")
    return Buffer.from(value.value, "hex").readDoubleBE();
  return mapProperties(value, (inner) => decode(inner, crypter));
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === "") return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}

const ALWAYS: ReadonlySet<string> = new Set(["urn", "custom", "type"]);

/** One resource as it stands in the file. */
export function encodeResource(resource: ResourceState, seal: Seal | undefined): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const field of fieldOrder) {
    const value: unknown = resource[field];
    if (!ALWAYS.has(field) && isEmpty(value)) continue;
    if (CODED_FIELDS.has(field)) result[field] = sorted(encode(value as Value, seal));
    else result[field] = field === "propertyDependencies" || field === "resourceHooks" ? sorted(value as Value) : value;
  }
  return result;
}

export function decodeResource(raw: Record<string, unknown>, crypter: Crypter | undefined): ResourceState {
  const unknown = Object.keys(raw).filter(
    (key) => !(fieldOrder as readonly string[]).includes(key) && !isEmpty(raw[key]),
  );
  if (unknown.length > 0) {
    throw new UserError(
      `The state of ${String(raw.urn)} has fields this engine does not know (${unknown.join(", ")}). ` +
        "Nothing was changed; use the Pulumi CLI for this stack.",
    );
  }
  const resource: Record<string, unknown> = { ...raw };
  for (const field of CODED_FIELDS) {
    if (raw[field] !== undefined) resource[field] = decode(raw[field] as Value, crypter);
  }
  return resource as unknown as ResourceState;
}

/** How secrets are written: encrypted, or in clear for `stack export --show-secrets`. */
export interface Sealing {
  readonly secretsProvider: { type: string; state?: Record<string, unknown> } | undefined;
  readonly seal: Seal;
}

export function sealingOf(crypter: Crypter): Sealing {
  return {
    secretsProvider: { type: "passphrase", state: { salt: crypter.salt } },
    seal: (text) => ({ ciphertext: crypter.encrypt(text) }),
  };
}

export function plainSealing(crypter: Crypter): Sealing {
  return { ...sealingOf(crypter), seal: (text) => ({ plaintext: text }) };
}

/** A resource as it stands in the file, and the features of version 4 that it needs. */
interface Encoded {
  readonly bytes: Buffer;
  readonly features: readonly string[];
}

/** Serialises states; keeps the bytes of resources it has seen, since a state is written again and again. */
export class Encoder {
  private readonly known = new WeakMap<ResourceState, Encoded>();
  private room = Buffer.alloc(0);

  constructor(private readonly sealing: Sealing) {}

  private encoded(resource: ResourceState): Encoded {
    const known = this.known.get(resource);
    if (known !== undefined) return known;
    const bytes = Buffer.from(toJson(encodeResource(resource, this.sealing.seal)));
    const encoded = { bytes, features: featuresOf(resource) };
    this.known.set(resource, encoded);
    return encoded;
  }

  /** The text that `stack export` shows. */
  exported(resources: readonly ResourceState[], pending: readonly PendingOperation[]): string {
    return this.text(['"deployment":', "}"], resources, pending).toString();
  }

  /** The text of a state file, in memory that the next one is put into. */
  checkpoint(stack: string, resources: readonly ResourceState[], pending: readonly PendingOperation[]): Buffer {
    return this.text([`"checkpoint":{"stack":${toJson(stack)},"latest":`, "}}"], resources, pending);
  }

  /** The deployment between what comes before and after it, all below its version. */
  private text(
    [before, after]: readonly [string, string],
    resources: readonly ResourceState[],
    pending: readonly PendingOperation[],
  ): Buffer {
    const all = resources.map((resource) => this.encoded(resource));
    return this.joined([`{${versionOf(all)},${before}`, ...this.parts(all, pending), after]);
  }

  private parts(resources: readonly Encoded[], pending: readonly PendingOperation[]): (Buffer | string)[] {
    const magic = createHash("sha256").update(engineVersion).digest("hex");
    const { secretsProvider } = this.sealing;
    const manifest = toJson({ time: new Date().toISOString(), magic, version: engineVersion });
    const parts: (Buffer | string)[] = [`{"manifest":${manifest}`];
    if (secretsProvider !== undefined) parts.push(`,"secrets_providers":${toJson(secretsProvider)}`);
    resources.forEach(({ bytes }, index) => parts.push(index === 0 ? ',"resources":[' : ",", bytes));
    if (resources.length > 0) parts.push("]");
    pending.forEach(({ resource, type }, index) => {
      parts.push(index === 0 ? ',"pending_operations":[' : ",", '{"resource":', this.encoded(resource).bytes);
      parts.push(`,"type":${toJson(type)}}`);
    });
    if (pending.length > 0) parts.push("]");
    return [...parts, ',"metadata":{}}'];
  }

  /** A wide stack has megabytes: memory that is new each time takes longer than filling it. */
  private joined(parts: readonly (Buffer | string)[]): Buffer {
    const size = parts.reduce(
      (sum, part) => sum + (typeof part === "string" ? Buffer.byteLength(part) : part.length),
      0,
    );
    if (size > this.room.length) this.room = Buffer.allocUnsafeSlow(2 * size);
    let at = 0;
    for (const part of parts) at += typeof part === "string" ? this.room.write(part, at) : part.copy(this.room, at);
    return this.room.subarray(0, size);
  }
}

function featuresOf({ resourceHooks, replaceWith, taint }: ResourceState): string[] {
  return [
    ...(resourceHooks === undefined ? [] : ["hooks"]),
    ...(replaceWith === undefined || replaceWith.length === 0 ? [] : ["replaceWith"]),
    ...(taint === true ? ["taint"] : []),
  ];
}

/** The version with the features in use: version 4 exists only for states that need one of its features. */
function versionOf(resources: readonly Encoded[]): string {
  const used = new Set<string>();
  for (const { features } of resources) for (const feature of features) used.add(feature);
  const features = [...SUPPORTED_FEATURES].filter((feature) => used.has(feature));
  return features.length === 0 ? '"version":3' : `"version":4,"features":${toJson(features)}`;
}

/** What stands in a file, checked but not decoded: enough to know whether this engine may touch it. */
export interface RawDeployment {
  readonly version: number;
  readonly features: readonly string[];
  readonly latest: Record<string, unknown> | undefined;
}

function record(value: unknown): Record<string, unknown> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}

export function parseCheckpoint(text: string, place: string): RawDeployment {
  let parsed: Record<string, unknown> | undefined;
  try {
    parsed = record(JSON.parse(text));
  } catch {
    parsed = undefined;
  }
  if (parsed === undefined) {
    throw new UserError(
      `${place} is not a JSON object. Nothing was changed; the file beside it ending in .bak is the version before.`,
    );
  }
  const version = parsed.version;
  if (typeof version !== "number") throw new UserError(`${place} has no version: it is not a Pulumi state file.`);
  const features = Array.isArray(parsed.features) ? parsed.features.map(String) : [];
  const checkpoint = record(parsed.checkpoint) ?? record(parsed.deployment);
  if (version !== 0) requireSupported(version, features, place);
  const latest = parsed.deployment === undefined ? record(checkpoint?.latest) : checkpoint;
  return { version, features, latest };
}

function requireSupported(version: number, features: readonly string[], place: string): void {
  const refused = features.filter((feature) => !SUPPORTED_FEATURES.has(feature));
  if (version !== 3 && version !== 4) {
    throw new UserError(`${place} has version ${version}; this engine knows versions 3 and 4. Nothing was changed.`);
  }
  if (refused.length > 0) {
    throw new UserError(
      `${place} uses features this engine does not have (${refused.join(", ")}). Nothing was changed; use the Pulumi CLI for this stack.`,
    );
  }
}

/** Decodes a state and refuses one that is not sound. */
export function decodeDeployment(raw: RawDeployment, place: string, crypterFor: (salt: string) => Crypter): Deployment {
  const { latest } = raw;
  if (latest === undefined) return emptyDeployment;
  const manifest = record(latest.manifest);
  const version = typeof manifest?.version === "string" ? manifest.version : "";
  if (manifest?.magic !== createHash("sha256").update(version).digest("hex")) {
    throw new UserError(
      `${place} has a manifest whose magic does not fit its version: the file was damaged or edited. Nothing was changed.`,
    );
  }
  const provider = record(latest.secrets_providers);
  const type = provider?.type;
  if (type !== undefined && type !== "passphrase") {
    throw new UserError(
      `${place} keeps its secrets with ${JSON.stringify(type)}; this engine knows "passphrase" only.`,
    );
  }
  const salt = record(provider?.state)?.salt;
  const crypter = typeof salt === "string" ? crypterFor(salt) : undefined;
  const list = (key: string): Record<string, unknown>[] =>
    (Array.isArray(latest[key]) ? latest[key] : []).map((item: unknown) => record(item) ?? {});
  const resources = list("resources").map((item) => decodeResource(item, crypter));
  const pending = list("pending_operations").map((item) => ({
    resource: decodeResource(record(item.resource) ?? {}, crypter),
    type: String(item.type) as PendingOperation["type"],
  }));
  const problem = findDefect(resources);
  if (problem !== undefined) throw new UserError(`${place} is not sound: ${problem} Nothing was changed.`);
  return {
    salt: crypter?.salt,
    secretsProvider: typeof type === "string" ? type : undefined,
    resources,
    pending,
  };
}

/** The first reason why a list of resources is no sound state. */
export function findDefect(resources: readonly ResourceState[]): string | undefined {
  const urns = new Set<string>();
  const alive = new Set<string>();
  const providers = new Set<string>();
  for (const resource of resources) {
    const { urn } = resource;
    if (urn === "" || resource.type === "") return "a resource has no URN or no type.";
    if (!resource.custom && (resource.id ?? "") !== "") return `${urn} is a component, but has an id.`;
    if (resource.provider !== undefined && resource.pendingReplacement !== true && !providers.has(resource.provider)) {
      return `${urn} names a provider that does not come before it (${resource.provider}).`;
    }
    const missing = requirementsOf(resource).find((needed) => !urns.has(needed));
    if (missing !== undefined && resource.pendingReplacement !== true)
      return `${urn} needs ${missing}, which does not come before it.`;
    if (resource.delete !== true) {
      if (alive.has(urn)) return `${urn} occurs twice.`;
      alive.add(urn);
    }
    urns.add(urn);
    if (resource.type.startsWith("pulumi:providers:")) providers.add(`${urn}::${resource.id ?? ""}`);
  }
  return undefined;
}

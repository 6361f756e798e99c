/**
 * Brings state files of different engines, runs and machines to one form, so that what is left to differ matters: secrets are opened,
 * random ids, times, positions and the order of sets are taken out.
 */
import { createDecipheriv, createHash, pbkdf2Sync } from "node:crypto";

const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";
/** Two times of one step are this close. */
const SAME_MOMENT_MS = 50;

type Json = null | boolean | number | string | Json[] | JsonObject;
interface JsonObject {
  [key: string]: Json;
}

const keys = new Map<string, Buffer>();

function opener(salt: string, passphrase: string): (ciphertext: string) => string {
  const encoded = salt.split(":")[1] ?? "";
  const name = `${encoded}/${passphrase}`;
  const key = keys.get(name) ?? pbkdf2Sync(passphrase, Buffer.from(encoded, "base64"), 1_000_000, 32, "sha256");
  keys.set(name, key);
  return (ciphertext) => {
    const [, nonce = "", body = ""] = ciphertext.split(":");
    const bytes = Buffer.from(body, "base64");
    const decipher = createDecipheriv("aes-256-gcm", key, Buffer.from(nonce, "base64"));
    decipher.setAuthTag(bytes.subarray(-16));
    return decipher.update(bytes.subarray(0, -16), undefined, "utf8") + decipher.final("utf8");
  };
}

function objectOf(value: Json | undefined): JsonObject | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value : undefined;
}

function objects(value: Json | undefined): JsonObject[] {
  return Array.isArray(value) ? value.map((item) => objectOf(item)).filter((item) => item !== undefined) : [];
}

/** Text as it is; what is no text has none. */
function textOf(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function unique(list: Json): string[] {
  return Array.isArray(list) ? [...new Set(list.map(String))].sort() : [];
}

function times(resource: JsonObject): JsonObject {
  const { created, modified, ...rest } = resource as Record<string, Json | undefined>;
  const result = rest as JsonObject;
  if (created !== undefined) result.created = "T";
  if (modified !== undefined) {
    const apart = created === undefined ? 0 : Math.abs(Date.parse(textOf(modified)) - Date.parse(textOf(created)));
    result.modified = apart <= SAME_MOMENT_MS ? "T" : "LATER";
  }
  return result;
}

export interface NormalState {
  readonly resources: readonly JsonObject[];
  readonly pendingOperations: readonly { type: Json; resource: JsonObject }[];
  readonly [key: string]: unknown;
}

export function normalState(checkpoint: JsonObject, passphrase: string): NormalState {
  const inner = objectOf(checkpoint.checkpoint) ?? {};
  const latest = objectOf(inner.latest) ?? {};
  const secrets = objectOf(latest.secrets_providers);
  const salt = objectOf(secrets?.state)?.salt;
  const pending = objects(latest.pending_operations);
  const everything = [...objects(latest.resources), ...pending.map((item) => objectOf(item.resource) ?? {})];
  const providerIds = new Set(
    everything.flatMap((resource) => {
      const reference = typeof resource.provider === "string" ? (resource.provider.split("::").pop() ?? "") : "";
      return [reference, textOf(resource.type).startsWith("pulumi:providers:") ? textOf(resource.id) : ""].filter(
        Boolean,
      );
    }),
  );

  const walk = (value: Json, key = ""): Json => {
    if (typeof value === "string") {
      if (key === "__provider") return "CODE";
      return [...providerIds].reduce((text, id) => text.split(id).join("PROVIDER-ID"), value);
    }
    if (Array.isArray(value)) return value.map((item) => walk(item));
    const object = objectOf(value);
    if (object === undefined) return value;
    if (object[SIGNATURE] === SECRET) {
      const { ciphertext, plaintext } = object;
      const plain = typeof ciphertext === "string" ? opener(textOf(salt), passphrase)(ciphertext) : textOf(plaintext);
      return { $secret: walk(JSON.parse(plain) as Json, key) };
    }
    return Object.fromEntries(
      Object.keys(object)
        .sort()
        .map((name) => [name, walk(object[name] ?? null, name)]),
    );
  };

  const normalResource = (resource: JsonObject): JsonObject => {
    const rest = times(resource);
    Reflect.deleteProperty(rest, "sourcePosition");
    Reflect.deleteProperty(rest, "stackTrace");
    const { dependencies, propertyDependencies } = rest as Record<string, Json | undefined>;
    if (dependencies !== undefined) rest.dependencies = unique(dependencies);
    const lists = objectOf(propertyDependencies);
    if (lists !== undefined)
      rest.propertyDependencies = Object.fromEntries(Object.entries(lists).map(([name, list]) => [name, unique(list)]));
    return walk(rest) as JsonObject;
  };

  const order = (resource: JsonObject): string =>
    [textOf(resource.urn), resource.delete === true ? "1" : "0", textOf(resource.id)].join(" ");
  const resources = objects(latest.resources).map(normalResource);
  const operations = pending.map((item) => ({
    type: item.type ?? null,
    resource: normalResource(objectOf(item.resource) ?? {}),
  }));
  const manifest = objectOf(latest.manifest) ?? {};
  const magic = createHash("sha256").update(textOf(manifest.version)).digest("hex");
  return {
    version: checkpoint.version,
    features: Array.isArray(checkpoint.features) ? [...checkpoint.features].sort() : [],
    stack: inner.stack,
    manifest: { magic: manifest.magic === magic ? "ok" : "wrong" },
    secretsProvider: secrets?.type ?? null,
    saltPresent: typeof salt === "string",
    metadata: latest.metadata ?? {},
    resources: resources.sort((a, b) => compareText(order(a), order(b))),
    pendingOperations: operations.sort((a, b) =>
      compareText(order(a.resource) + textOf(a.type), order(b.resource) + textOf(b.type)),
    ),
  };
}

/**
 * `Pulumi.<stack>.yaml`: the configuration of a stack and the salt of its secrets. Edited as a document, so that comments and the
 * order of keys stay.
 */
import { existsSync, readFileSync } from "node:fs";
import { Document, parseDocument } from "yaml";
import { messageOf, UserError } from "../errors";
import { parsePath, valueAt, withValueAt } from "../model/path";
import { isObject, secret, type Properties, type Value } from "../model/values";
import { writeAtomically } from "./backend";
import { type Crypter } from "./secrets";

function isSecure(value: Value | undefined): value is { secure: string } {
  return isObject(value) && typeof value.secure === "string" && Object.keys(value).length === 1;
}

export function holdsSecret(value: Value): boolean {
  if (isSecure(value)) return true;
  if (Array.isArray(value)) return value.some(holdsSecret);
  return isObject(value) && Object.values(value).some(holdsSecret);
}

/** With each `secure` leaf decrypted or, without a crypter, blanked. */
export function openValue(value: Value, crypter: Crypter | undefined): Value {
  if (isSecure(value)) return crypter === undefined ? "[secret]" : crypter.decrypt(value.secure);
  if (Array.isArray(value)) return value.map((element) => openValue(element, crypter));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, openValue(inner, crypter)]));
}

/** What a program gets to see: text, which is JSON for maps and lists. */
export function textOf(value: Value): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

export interface ConfigSettings {
  readonly secret: boolean;
  readonly path: boolean;
}

export class StackConfig {
  private readonly document: Document;

  constructor(
    readonly file: string,
    private readonly project: string,
    private readonly defaults: Properties,
  ) {
    if (!existsSync(file)) {
      this.document = new Document({});
      return;
    }
    let document;
    try {
      document = parseDocument(readFileSync(file, "utf8"), { prettyErrors: true });
    } catch (error) {
      throw new UserError(`${file} cannot be read: ${messageOf(error)}`);
    }
    const [problem] = document.errors;
    if (problem !== undefined) throw new UserError(`${file} is not valid YAML: ${problem.message}`);
    this.document = document.contents === null ? new Document({}) : document;
    const provider = this.document.get("secretsprovider");
    if (provider !== undefined && provider !== "" && provider !== "passphrase" && provider !== "default") {
      throw new UserError(
        `${file} names the secrets provider ${JSON.stringify(provider)}; the embedded engine knows "passphrase" only.`,
      );
    }
  }

  get salt(): string | undefined {
    const salt = this.document.get("encryptionsalt");
    return typeof salt === "string" ? salt : undefined;
  }

  setSalt(salt: string): void {
    this.document.set("encryptionsalt", salt);
  }

  /** `<namespace>:<name>`; keys without a namespace belong to the project. */
  qualify(key: string): string {
    const parts = key.split(":");
    if (parts.length === 3 && parts[1] === "config") return `${parts[0] ?? ""}:${parts[2] ?? ""}`;
    return parts.length === 1 ? `${this.project}:${key}` : key;
  }

  /** All values, those of the project's file first, as they stand in the files. */
  values(): Map<string, Value> {
    const values = new Map(Object.entries(this.defaults).map(([key, value]) => [this.qualify(key), value]));
    for (const [key, value] of this.ownKeys()) values.set(this.qualify(key), value);
    return new Map([...values].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
  }

  private ownKeys(): [string, Value][] {
    const { config } = this.document.toJS() as { config?: Value };
    return isObject(config) ? Object.entries(config) : [];
  }

  private writtenKey(key: string): string {
    const wanted = this.qualify(key);
    return this.ownKeys().find(([own]) => this.qualify(own) === wanted)?.[0] ?? wanted;
  }

  /** The value of a key or, with `path`, of a place inside one; undefined when there is none. */
  get(key: string, path: boolean): Value | undefined {
    if (!path) return this.values().get(this.qualify(key));
    const { top, inner } = splitKey(key);
    const value = this.values().get(this.qualify(top));
    return value === undefined ? undefined : valueAt(value, inner);
  }

  set(key: string, value: string, settings: ConfigSettings, crypter: () => Crypter): void {
    const plain = settings.path ? scalarOf(value) : value;
    const stored: Value = settings.secret ? { secure: crypter().encrypt(value) } : plain;
    if (!settings.path) {
      this.store(key, stored);
      return;
    }
    const { top, inner } = splitKey(key);
    const old = this.get(top, false);
    const changed = inner.length === 0 ? stored : withValueAt(isSecure(old) ? undefined : old, inner, stored);
    if (changed === undefined) throw new UserError(`"${key}" leads through a value that is neither a map nor a list.`);
    this.store(top, changed);
  }

  private store(key: string, value: Value): void {
    if (this.document.get("config") === undefined || this.document.get("config") === null)
      this.document.set("config", this.document.createNode({}));
    this.document.setIn(["config", this.writtenKey(key)], this.document.createNode(value));
  }

  remove(key: string, path: boolean): void {
    const { top, inner } = path ? splitKey(key) : { top: key, inner: [] };
    if (inner.length > 0) {
      const old = this.get(top, false);
      const changed = old === undefined ? undefined : withValueAt(old, inner, undefined);
      if (changed !== undefined) this.store(top, changed);
      return;
    }
    this.document.deleteIn(["config", this.writtenKey(top)]);
    if (this.ownKeys().length === 0) this.document.delete("config");
  }

  save(): void {
    writeAtomically(this.file, this.document.toString({ lineWidth: 0 }));
  }

  /** What program and provider are given: everything as text, and which keys are secret. */
  open(crypter: () => Crypter): { values: Record<string, string>; secretKeys: string[]; providerInputs: Properties } {
    const values: Record<string, string> = {};
    const secretKeys: string[] = [];
    const providerInputs: Properties = {};
    for (const [key, stored] of this.values()) {
      const confidential = holdsSecret(stored);
      const text = textOf(openValue(stored, confidential ? crypter() : undefined));
      values[key] = text;
      providerInputs[key] = confidential ? secret(text) : text;
      if (confidential) secretKeys.push(key);
    }
    return { values, secretKeys, providerInputs };
  }
}

function splitKey(key: string): { top: string; inner: readonly (string | number)[] } {
  const at = key.indexOf(":");
  const namespace = at < 0 ? "" : key.slice(0, at + 1);
  const [top, ...inner] = parsePath(key.slice(at + 1));
  return { top: namespace + String(top), inner };
}

/** As in Pulumi, values inside structures are typed by their look; those at the top are always text. */
function scalarOf(text: string): Value {
  if (text === "true" || text === "false") return text === "true";
  return /^-?(0|[1-9]\d*)$/.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : text;
}

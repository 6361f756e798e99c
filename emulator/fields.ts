/**
 * Reads a request body field by field and refuses what is missing, malformed or unknown. One reader serves every API;
 * the API only says how it complains, since each uses its own error codes.
 */
import type { Refusal } from "./refusal";

export type Complain = (
  kind: "missing" | "invalid" | "unknown",
  path: string,
  value: unknown,
  allowed: string,
) => Refusal;

export interface TextRule {
  readonly min?: number;
  readonly max?: number;
  readonly pattern?: RegExp;
  readonly oneOf?: readonly string[];
}

export type JsonObject = Record<string, unknown>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export class Fields {
  readonly values: JsonObject;
  readonly path: string;
  readonly complain: Complain;

  constructor(value: unknown, path: string, complain: Complain) {
    if (!isObject(value)) throw complain("invalid", path, value, "must be an object");
    this.values = value;
    this.path = path;
    this.complain = complain;
  }

  at(name: string): string {
    return this.path === "" ? name : `${this.path}.${name}`;
  }

  /** A field that is null counts as absent, as in IBM's APIs. */
  raw(name: string): unknown {
    const value = Object.hasOwn(this.values, name) ? this.values[name] : undefined;
    return value === null ? undefined : value;
  }

  has(name: string): boolean {
    return this.raw(name) !== undefined;
  }

  invalid(name: string, allowed: string): Refusal {
    return this.complain("invalid", this.at(name), this.raw(name), allowed);
  }

  /** Refuses every field that is not in the list. */
  only(...names: readonly string[]): this {
    for (const name of Object.keys(this.values)) {
      if (!names.includes(name)) {
        throw this.complain("unknown", this.at(name), this.values[name], `allowed fields: ${names.join(", ")}`);
      }
    }
    return this;
  }

  text(name: string, rule: TextRule = {}): string {
    const value = this.optionalText(name, { min: 1, ...rule });
    if (value === undefined) throw this.missing(name);
    return value;
  }

  optionalText(name: string, rule: TextRule = {}): string | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    if (typeof value !== "string") throw this.invalid(name, "must be a string");
    if (value === "" && (rule.min ?? 0) > 0) throw this.missing(name);
    if (value.length < (rule.min ?? 0) || value.length > (rule.max ?? Number.POSITIVE_INFINITY)) {
      throw this.invalid(name, `must have ${rule.min ?? 0} to ${rule.max ?? "any number of"} characters`);
    }
    if (rule.oneOf !== undefined && !rule.oneOf.includes(value)) {
      throw this.invalid(name, `must be one of ${rule.oneOf.join(", ")}`);
    }
    if (rule.pattern !== undefined && !rule.pattern.test(value)) {
      throw this.invalid(name, `must match ${rule.pattern.source}`);
    }
    return value;
  }

  integer(name: string, min: number, max: number): number | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    if (typeof value !== "number" || !Number.isInteger(value) || value < min || value > max) {
      throw this.invalid(name, `must be an integer from ${min} to ${max}`);
    }
    return value;
  }

  flag(name: string): boolean | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    if (typeof value !== "boolean") throw this.invalid(name, "must be true or false");
    return value;
  }

  object(name: string): Fields {
    const value = this.optionalObject(name);
    if (value === undefined) throw this.missing(name);
    return value;
  }

  optionalObject(name: string): Fields | undefined {
    const value = this.raw(name);
    return value === undefined ? undefined : new Fields(value, this.at(name), this.complain);
  }

  objects(name: string): Fields[] {
    const value = this.raw(name);
    if (value === undefined) return [];
    if (!Array.isArray(value)) throw this.invalid(name, "must be an array");
    return value.map((item, index) => new Fields(item, `${this.at(name)}[${index}]`, this.complain));
  }

  texts(name: string): string[] | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    if (!Array.isArray(value) || !value.every((item) => typeof item === "string")) {
      throw this.invalid(name, "must be an array of strings");
    }
    return value;
  }

  missing(name: string): Refusal {
    return this.complain("missing", this.at(name), this.raw(name), "is required");
  }
}

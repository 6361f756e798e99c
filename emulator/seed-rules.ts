/** What a seed may hold: it often comes from a file, so every problem is named at once. */
import { isObject, type JsonObject } from "./fields";
import { DEFAULT_REGION, REGIONS } from "./regions";
import { STOCK_OPERATING_SYSTEMS } from "./vpc/images";
import { overlaps, parseCidr, type Block } from "./vpc/ipv4";
import { parsePublicKey } from "./vpc/keys";
import { NAME } from "./vpc/request";
import { DEFAULT_VPC_NAME } from "./vpc/seed";

/** The shortest value of an API key. */
const KEY_LENGTH = 32;
const LONGEST_LIFE_SECONDS = 3600;
/** Sizes that VPC gives to subnets. */
const SMALLEST_BITS = 9;
const LARGEST_BITS = 29;

/** Everything that is wrong with a seed; an empty list when an emulator can start with it. */
export function problemsOfSeed(seed: unknown): string[] {
  const check = new Check();
  const fields = check.object(seed, "seed", ["accountId", "region", "apiKey", "issuedLifetimes", "network"]);
  if (fields === undefined) return check.problems;
  check.text(fields.accountId, "seed.accountId", "32 hex digits", (text) => /^[0-9a-f]{32}$/.test(text));
  check.oneOf(fields.region, "seed.region", REGIONS);
  if (fields.apiKey !== undefined && !(typeof fields.apiKey === "string" && fields.apiKey.length >= KEY_LENGTH)) {
    check.problems.push(`seed.apiKey must have at least ${KEY_LENGTH} characters`);
  }
  const kinds = ["identityToken", "iamToken", "certificate"];
  const lives = check.object(fields.issuedLifetimes, "seed.issuedLifetimes", kinds) ?? {};
  for (const kind of kinds) {
    check.integer(lives[kind], `seed.issuedLifetimes.${kind}`, 1, LONGEST_LIFE_SECONDS, "seconds");
  }
  if (fields.network !== false) checkNetwork(check, fields.network, regionOf(fields.region));
  return check.problems;
}

const regionOf = (region: unknown): string => (typeof region === "string" ? region : DEFAULT_REGION);

function checkNetwork(check: Check, network: unknown, region: string): void {
  const at = "seed.network";
  const lists = check.object(network, at, ["vpcs", "subnets", "images", "keys"]);
  if (lists === undefined) return;
  const vpcs = check.rows(lists.vpcs, `${at}.vpcs`, ["name"]);
  check.names(vpcs);
  const known = lists.vpcs === undefined ? [DEFAULT_VPC_NAME] : vpcs.map(({ row }) => row.name);
  checkSubnets(check, lists.subnets, known, region);
  const images = check.rows(lists.images, `${at}.images`, ["name", "operatingSystem"]);
  check.names(images);
  for (const { row, path } of images) {
    check.required(row, path, "operatingSystem");
    check.oneOf(row.operatingSystem, `${path}.operatingSystem`, STOCK_OPERATING_SYSTEMS);
  }
  const keys = check.rows(lists.keys, `${at}.keys`, ["name", "publicKey"]);
  check.names(keys);
  const contents = new Set<string>();
  for (const { row, path } of keys) {
    check.required(row, path, "publicKey");
    if (row.publicKey === undefined) continue;
    const parsed = typeof row.publicKey === "string" ? parsePublicKey(row.publicKey) : undefined;
    if (parsed === undefined) {
      check.problems.push(`${path}.publicKey must be an OpenSSH RSA 2048 or 4096 or ED25519 key`);
    } else if (contents.has(parsed.fingerprint)) {
      check.problems.push(`${path}.publicKey is the content of another key`);
    } else contents.add(parsed.fingerprint);
  }
}

function checkSubnets(check: Check, list: unknown, vpcs: readonly unknown[], region: string): void {
  const subnets = check.rows(list, "seed.network.subnets", ["name", "vpc", "zone", "cidr", "addresses"]);
  check.names(subnets, (row) => String(row.vpc));
  const zones = [1, 2, 3].map((zone) => `${region}-${zone}`);
  const taken: { vpc: unknown; block: Block }[] = [];
  for (const { row, path } of subnets) {
    check.required(row, path, "vpc");
    check.oneOf(row.vpc, `${path}.vpc`, vpcs);
    check.required(row, path, "zone");
    check.oneOf(row.zone, `${path}.zone`, zones);
    if (row.cidr !== undefined && row.addresses !== undefined) {
      check.problems.push(`${path} has cidr and addresses; only one of them is allowed`);
    }
    if (row.addresses !== undefined && !isSubnetSize(row.addresses)) {
      check.complain(`${path}.addresses`, row.addresses, "must be a power of 2 from 8 to 8388608");
    }
    if (row.cidr === undefined) continue;
    const block = typeof row.cidr === "string" ? parseCidr(row.cidr) : undefined;
    if (block === undefined || !isSubnetSize(block.size)) {
      const sizes = `of size /${SMALLEST_BITS} to /${LARGEST_BITS}`;
      check.complain(`${path}.cidr`, row.cidr, `must be an IPv4 network ${sizes}, such as 10.240.0.0/24`);
      continue;
    }
    if (taken.some((other) => other.vpc === row.vpc && overlaps(other.block, block))) {
      check.complain(`${path}.cidr`, row.cidr, "must not overlap another subnet of the VPC");
    }
    taken.push({ vpc: row.vpc, block });
  }
}

const isSubnetSize = (size: unknown): boolean =>
  typeof size === "number" &&
  Number.isInteger(Math.log2(size)) &&
  size >= 2 ** (32 - LARGEST_BITS) &&
  size <= 2 ** (32 - SMALLEST_BITS);

interface SeedRow {
  readonly row: JsonObject;
  readonly path: string;
}

/** Collects problems; absent values are none. */
class Check {
  readonly problems: string[] = [];

  complain(path: string, value: unknown, allowed: string): void {
    this.problems.push(`${path} is ${JSON.stringify(value).slice(0, 80)}; ${allowed}`);
  }

  object(value: unknown, path: string, names: readonly string[]): JsonObject | undefined {
    if (value === undefined) return undefined;
    if (!isObject(value)) {
      this.complain(path, value, "must be an object");
      return undefined;
    }
    for (const name of Object.keys(value).filter((key) => !names.includes(key))) {
      this.problems.push(`${path}.${name} is unknown; allowed: ${names.join(", ")}`);
    }
    return value;
  }

  rows(value: unknown, path: string, names: readonly string[]): SeedRow[] {
    if (value === undefined) return [];
    if (!Array.isArray(value)) {
      this.complain(path, value, "must be an array");
      return [];
    }
    return value.flatMap((item, index) => {
      const row = this.object(item ?? null, `${path}[${index}]`, names);
      return row === undefined ? [] : [{ row, path: `${path}[${index}]` }];
    });
  }

  required(row: JsonObject, path: string, name: string): void {
    if (row[name] === undefined) this.problems.push(`${path}.${name} is required`);
  }

  /** Names of VPC, unique within a group. */
  names(rows: readonly SeedRow[], groupOf: (row: JsonObject) => string = () => ""): void {
    const taken = new Set<string>();
    for (const { row, path } of rows) {
      this.required(row, path, "name");
      const allowed = "1 to 63 lowercase letters, digits and hyphens, beginning with a letter";
      this.text(row.name, `${path}.name`, allowed, (name) => name.length <= 63 && NAME.test(name));
      const key = JSON.stringify([groupOf(row), row.name]);
      if (row.name !== undefined && taken.has(key)) this.complain(`${path}.name`, row.name, "must be unique");
      taken.add(key);
    }
  }

  text(value: unknown, path: string, allowed: string, fits: (text: string) => boolean): void {
    if (value === undefined || (typeof value === "string" && fits(value))) return;
    this.complain(path, value, `must be ${allowed}`);
  }

  oneOf(value: unknown, path: string, allowed: readonly unknown[]): void {
    if (value !== undefined && !allowed.includes(value)) {
      this.complain(path, value, `must be one of ${allowed.map(String).join(", ")}`);
    }
  }

  integer(value: unknown, path: string, min: number, max: number, unit: string): void {
    if (value === undefined) return;
    if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) return;
    this.complain(path, value, `must be a whole number of ${unit} from ${min} to ${max}`);
  }
}

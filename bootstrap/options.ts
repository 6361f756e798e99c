/**
 * What a user may choose about the bootstrap of a server, with every default and every rule. The rules are those of the
 * on-instance API, so that a mistake shows where the program is written and not minutes later on a server's console.
 */
import { CRN, flag, integer, isKnown, isRecord, list, object, oneOf, PROFILE_ID } from "../core/validate";
import { problemsOf, show, text, type Problem, type Rule } from "../core/validate";
import { absentEntries } from "./absent-values";
import { type ConsumerOptions, consumerRules } from "./consumers";

/** One IAM token to keep on the server, in `/run/vpc-identity/tokens/<name>`. */
export interface IamTokenOptions {
  /** File name: 1 to 64 lower-case letters, digits, `.`, `_` and `-`; starts and ends with a letter or digit. */
  readonly name: string;
  /** The trusted profile to become, by id (`Profile-<uuid>`). @default - the server's default trusted profile */
  readonly profileId?: string;
  /** The trusted profile to become, by CRN; not together with `profileId`. @default - the server's default trusted profile */
  readonly profileCrn?: string;
}

/**
 * Subject of the certificate request. The service accepts these five attributes and no other, and adds the server's id as
 * common name itself.
 */
export interface CertificateSubject {
  /** Country, two capital letters. @default - left out */
  readonly C?: string;
  /** State or province, 1 to 128 characters. @default - left out */
  readonly ST?: string;
  /** Locality, 1 to 128 characters. @default - left out */
  readonly L?: string;
  /** Organisation, 1 to 64 characters. @default - left out */
  readonly O?: string;
  /** Organisational unit, 1 to 64 characters. @default - left out */
  readonly OU?: string;
}

/** The instance identity certificate to keep on the server, in `/run/vpc-identity/current`. */
export interface CertificateOptions {
  /** RSA key size in bits; the API takes no other key. @default 2048 */
  readonly keySize?: 2048 | 4096;
  /** Subject of the request: at least one attribute. @default `{ OU: "vpc-identity" }`, because the API refuses an empty subject */
  readonly subject?: CertificateSubject;
  /** Life of the certificate in seconds, 300 to 3600. @default 3600 */
  readonly expiresInSeconds?: number;
  /**
   * Ask for the next certificate with the key of the one before, for peers that pin it, as long as the server has it (a
   * reboot ends that, unless `keepOnDisk` is set). @default false, a new key for each certificate
   */
  readonly reuseKey?: boolean;
}

/**
 * How a server obtains its credentials.
 *
 * @example
 * bootstrapUserData({
 *   iamTokens: [{ name: "default" }, { name: "backup", profileId: "Profile-6d3cbb1e-ae8c-4d0e-a95d-2e6a5c1d1f2a" }],
 *   certificate: { keySize: 4096, subject: { O: "Example", C: "DE" } },
 * });
 */
export interface BootstrapOptions extends ConsumerOptions {
  /** IAM tokens to fetch; an empty list for none. @default `[{ name: "default" }]` */
  readonly iamTokens?: readonly IamTokenOptions[];
  /** The certificate to fetch, or `false` for none. @default `{}`, with the defaults of CertificateOptions */
  readonly certificate?: false | CertificateOptions;
  /**
   * PEM text of the root certificates that the chain must lead to. The service returns none, so without them the chain is
   * checked up to its last intermediate. @default - no root is known
   */
  readonly trustRootsPem?: string;
  /**
   * Protocol of the server's metadata service (`metadataService.protocol`). With `https` the service answers only under
   * the name `api.metadata.cloud.ibm.com`, so the server needs DNS and a CA bundle. @default "http"
   */
  readonly protocol?: "http" | "https";
  /** PEM text of what the certificate of an https metadata service is checked against. @default - the CA bundle of the image */
  readonly metadataCaPem?: string;
  /**
   * With https: reach `api.metadata.cloud.ibm.com` at 169.254.169.254 without asking DNS; the name is verified all the same.
   * @default false
   */
  readonly pinMetadataAddress?: boolean;
  /** Date of the on-instance API, `YYYY-MM-DD`, from 2022-03-01 on. @default "2025-08-26" */
  readonly apiVersion?: string;
  /** Send `maturity=beta` with every call. @default - not sent */
  readonly maturity?: "beta";
  /** Life of the instance identity token that the others are made from, in seconds, 5 to 3600. @default 300 */
  readonly identityTokenSeconds?: number;
  /**
   * How long, in seconds (0 to 3600), a server's first boot waits for a link that IAM does not know yet: 400
   * `profile_not_linked`, 401 and 403 are repeated so long, and final ever after. @default 600
   */
  readonly firstBootSeconds?: number;
  /** How long, in seconds (0 to 3600), a later run repeats calls that got no answer or a 408, 429 or 5xx. @default 120 */
  readonly retrySeconds?: number;
  /** How the server keeps its credentials fresh, or `false` to fetch them at first boot only. @default `{}` */
  readonly renewal?: false | RenewalOptions;
  /**
   * Group on the server that may read the credentials: folders get mode 0750 and files 0640. The group must exist when
   * the script first runs. @default - only root may, with 0700 and 0600
   */
  readonly group?: string;
  /**
   * User on the server that the credentials are fetched by and belong to, and that hooks run as. Needs systemd, and excludes
   * what only root can do: `files`, `strongswan`, `metricsFile` and `hooks.reload`. The user must exist when the script
   * first runs. @default - root
   */
  readonly user?: string;
  /**
   * On a 404, go on with the paths and the version that servers had before August 2025
   * (`/instance_identity/v1`, 2022-03-01). @default false
   */
  readonly legacyFallback?: boolean;
  /**
   * Send a random nonce with each request for an identity token, and accept only an answer that repeats it.
   * @default false
   */
  readonly nonce?: boolean;
  /**
   * Keep the credentials in `/var/lib/vpc-identity/results`, on the disk, and not in `/run/vpc-identity`, in memory: they
   * are there right after a reboot, and they are in every copy of the disk. @default false
   */
  readonly keepOnDisk?: boolean;
}

/**
 * When credentials are renewed. Where systemd runs, a timer looks at intervals; elsewhere `vpc-identity loop` does, or a
 * cron line with `vpc-identity renew`. Looking costs no call; each renewal is audited by IBM.
 */
export interface RenewalOptions {
  /** Part of an IAM token's life, in percent (50 to 90), after which it is renewed. @default 80 */
  readonly iamTokenPercent?: number;
  /** Part of the certificate's life, in percent (50 to 90); up to a tenth of the life earlier, by chance. @default 66 */
  readonly certificatePercent?: number;
  /**
   * Seconds (5 to 900) between two looks. They and a tenth of them must fit between renewal point and end of each credential:
   * at most life * (100 - percent) / 110. An IAM token lives for 3600 seconds, which allows 654 at 80 percent and 327 at 90.
   * @default - a twelfth of the certificate's life: 25 to 300
   */
  readonly checkEverySeconds?: number;
}

const attribute = (max: number): Rule =>
  text({
    max,
    pattern: /^[^\s\p{C}](?:[^\p{C}\p{Zl}\p{Zp}]*[^\s\p{C}])?$/u,
    allowed: `a text of 1 to ${max} characters without control characters and without spaces at its ends`,
  });

const subject: Rule = (value, path) => {
  // The general "not an argument" would leave the user looking for the right spelling of something that cannot be had.
  const named = isRecord(value) && "CN" in value;
  const others = named ? Object.fromEntries(Object.entries(value).filter(([key]) => key !== "CN")) : value;
  return [
    ...(named
      ? [
          {
            property: `${path}.CN`,
            reason: "is not allowed; the service sets the common name to the server's id itself",
          },
        ]
      : []),
    ...object({
      fields: {
        C: text({ max: 2, pattern: /^[A-Z]{2}$/, allowed: 'a country of two capital letters, such as "DE"' }),
        ST: attribute(128),
        L: attribute(128),
        O: attribute(64),
        OU: attribute(64),
      },
      also: (fields, at) =>
        Object.values(fields).every((value) => value === null || value === undefined)
          ? [{ property: at, reason: "is empty; at least one of C, ST, L, O, OU is required" }]
          : [],
    })(others, path),
  ];
};

const certificateObject = object({
  fields: {
    keySize: (value, path) =>
      value === 2048 || value === 4096 ? [] : [{ property: path, reason: `is ${show(value)}; must be 2048 or 4096` }],
    subject,
    expiresInSeconds: integer(300, 3600, "seconds"),
    reuseKey: flag,
  },
});

const iamToken = object({
  fields: {
    name: text({
      max: 64,
      pattern: /^[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?$/,
      allowed: "1 to 64 lower-case letters, digits, dots, underscores and hyphens, with a letter or digit at both ends",
    }),
    profileId: text({ pattern: PROFILE_ID, allowed: "a profile id: Profile-<uuid>" }),
    profileCrn: text({
      pattern: new RegExp(`${CRN.source.slice(0, -1)}(?<=^[A-Za-z0-9:/_.-]+)$`),
      allowed: "the CRN of a trusted profile",
    }),
  },
  required: ["name"],
  atMostOne: [["profileId", "profileCrn"]],
});

const renewalObject = object({
  fields: {
    iamTokenPercent: integer(50, 90, "percent"),
    certificatePercent: integer(50, 90, "percent"),
    checkEverySeconds: integer(5, 900, "seconds"),
  },
});

const nameOf = (what: string): Rule =>
  text({
    max: 32,
    pattern: /^[a-z_][a-z0-9_-]*$/,
    allowed: `a ${what} name: up to 32 lower-case letters, digits, underscores and hyphens`,
  });

const PEM = /^(?:-----BEGIN CERTIFICATE-----\r?\n(?:[A-Za-z0-9+/=]+\r?\n)+-----END CERTIFICATE-----\s*)+$/;
const pemCertificates = text({
  max: 32_768,
  pattern: PEM,
  allowed: "one or more PEM certificates, up to 32768 characters",
});

const apiVersion: Rule = (value, path) =>
  typeof value === "string" && /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/.test(value) && value >= "2022-03-01"
    ? []
    : [{ property: path, reason: `is ${show(value)}; must be a date YYYY-MM-DD, 2022-03-01 or later` }];

const bootstrapOptions = object({
  fields: {
    iamTokens: (value, path) => [...list(iamToken)(value, path), ...repetitions(value, path, "name")],
    certificate: (value, path) => (value === false ? [] : certificateObject(value, path)),
    trustRootsPem: pemCertificates,
    protocol: oneOf("http", "https"),
    metadataCaPem: pemCertificates,
    pinMetadataAddress: flag,
    apiVersion,
    maturity: oneOf("beta"),
    identityTokenSeconds: integer(5, 3600, "seconds"),
    firstBootSeconds: integer(0, 3600, "seconds"),
    retrySeconds: integer(0, 3600, "seconds"),
    renewal: (value, path) => (value === false ? [] : renewalObject(value, path)),
    group: nameOf("group"),
    user: nameOf("user"),
    legacyFallback: flag,
    nonce: flag,
    keepOnDisk: flag,
    ...consumerRules,
    credentialFiles: (value, path) => [
      ...consumerRules.credentialFiles(value, path),
      ...repetitions(value, path, "token"),
    ],
  },
  also: (options, path) => [...strangeTokens(options, path), ...lateLooks(options, path), ...rootOnly(options, path)],
});

const at = (path: string, property: string): string => (path === "" ? property : `${path}.${property}`);

/** A credentials file can only be made of a token that the server has. */
function strangeTokens({ iamTokens, credentialFiles }: Readonly<Record<string, unknown>>, path: string): Problem[] {
  if (!Array.isArray(credentialFiles) || !isKnown(iamTokens)) return [];
  const tokens: unknown[] = Array.isArray(iamTokens) ? iamTokens : [{ name: "default" }];
  const names = tokens.map((token) => (isRecord(token) ? token.name : undefined));
  if (!tokens.every(isKnown) || !names.every(isKnown)) return [];
  return credentialFiles.flatMap((file: unknown, index): Problem[] => {
    const token = isRecord(file) ? file.token : undefined;
    if (typeof token !== "string" || !isKnown(token) || names.includes(token)) return [];
    const known = names.length === 0 ? "has none" : `has ${names.map(show).join(", ")}`;
    return [
      {
        property: `${at(path, "credentialFiles")}[${index}].token`,
        reason: `is ${show(token)}; must be the name of a token, and iamTokens ${known}`,
      },
    ];
  });
}

/** What nobody looks at between its renewal point and its end would expire. A timer adds up to a tenth to its interval. */
function lateLooks({ certificate, iamTokens, renewal }: Readonly<Record<string, unknown>>, path: string): Problem[] {
  const { checkEverySeconds: looks, certificatePercent, iamTokenPercent } = isRecord(renewal) ? renewal : {};
  const life = isRecord(certificate) ? certificate.expiresInSeconds : undefined;
  const noTokens = !isKnown(iamTokens) || (Array.isArray(iamTokens) && iamTokens.length === 0);
  const kept: (readonly [what: string, seconds: unknown, percent: unknown])[] = [
    ...(certificate === false ? [] : [["a certificate", life ?? 3600, certificatePercent ?? 66] as const]),
    ...(noTokens ? [] : [["an IAM token", 3600, iamTokenPercent ?? 80] as const]),
  ];
  const [tightest] = kept
    .filter(([, ...numbers]) => [looks, ...numbers].every((value) => Number.isInteger(value)))
    .map(([what, seconds, percent]) => ({
      most: Math.floor(((seconds as number) * (100 - (percent as number))) / 110),
      why: `${what} of ${show(seconds)} seconds is due at ${show(percent)} percent of them`,
    }))
    .sort((a, b) => a.most - b.most);
  if (tightest === undefined || (looks as number) <= tightest.most || tightest.most < 5) return [];
  return [
    {
      property: at(path, "renewal.checkEverySeconds"),
      reason: `is ${show(looks)}; must be at most ${tightest.most}, because ${tightest.why}`,
    },
  ];
}

/** What a user who is not root cannot do, or what would do it for him is not there. */
function rootOnly(options: Readonly<Record<string, unknown>>, path: string): Problem[] {
  const { user, hooks, renewal } = options;
  if (user === undefined || user === null || user === "root") return [];
  const reload = isRecord(hooks) ? hooks.reload : undefined;
  const asked: [string, unknown][] = ["files", "strongswan", "metricsFile"].map((name) => [name, options[name]]);
  return [
    ...[...asked, ["hooks.reload", reload] as const]
      .filter(([, value]) => value !== undefined && value !== null)
      .map(([name]) => ({ property: at(path, name), reason: "needs root; leave it or user out" })),
    ...(renewal === false
      ? [{ property: at(path, "user"), reason: "needs the service of systemd, which renewal: false leaves out" }]
      : []),
  ];
}

function repetitions(value: unknown, path: string, key: "name" | "token"): Problem[] {
  if (!Array.isArray(value)) return [];
  const names = value.map((entry: unknown) => (isRecord(entry) ? entry[key] : undefined));
  const what = key === "name" ? "each token needs a name of its own" : "a token has one file, with all its services";
  return names.flatMap((name, index) =>
    typeof name === "string" && isKnown(name) && names.indexOf(name) < index
      ? [{ property: `${path}[${index}].${key}`, reason: `is "${name}" again; ${what}` }]
      : [],
  );
}

/**
 * Lists everything that is wrong with options, unknown keys included; values that are not known yet are passed over.
 *
 * @example
 * validateBootstrap({ certificate: { keySize: 1024 } }, "bootstrap");
 * // [{ property: "bootstrap.certificate.keySize", reason: "is 1024; must be 2048 or 4096" }]
 */
export function validateBootstrap(options: unknown, path: string): Problem[] {
  const problems = problemsOf(bootstrapOptions, options, path);
  const told = new Set(problems.map(({ property }) => property));
  return [...problems, ...absentEntries(options, path).filter(({ property }) => !told.has(property))];
}

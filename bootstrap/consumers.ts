/**
 * What a user may say about those who use the credentials: who may read which file, in which other forms they are wanted,
 * and what is to happen after a renewal.
 */
import { integer, list, object, oneOf, text, flag } from "../core/validate";
import type { Rule } from "../core/validate";

/** Owner, group and mode of a file on the server; they must exist there when the script first runs. */
export interface FileAccess {
  /** User name or number. @default "root" */
  readonly owner?: string;
  /** Group name or number. @default "root" */
  readonly group?: string;
  /**
   * Octal permissions without writing by group or others, such as `"0640"`; for what is secret (`key.pem`, `combined.pem`,
   * `token`, `credentials`) without any for others. @default "0600"
   */
  readonly mode?: string;
}

/** Who may read what, by file; a file that is not named keeps what `group` says. Folders become passable for all. */
export interface FilesOptions {
  /** Private key. @default - as all files */
  readonly "key.pem"?: FileAccess;
  /** The server's certificate. @default - as all files */
  readonly "leaf.pem"?: FileAccess;
  /** Intermediate certificates. @default - as all files */
  readonly "chain.pem"?: FileAccess;
  /** Leaf and intermediates. @default - as all files */
  readonly "fullchain.pem"?: FileAccess;
  /** Key, leaf and intermediates, with `combinedPem`. @default - as all files */
  readonly "combined.pem"?: FileAccess;
  /** Numbers and dates of the certificate. @default - as all files */
  readonly "manifest.json"?: FileAccess;
  /** Every IAM token. @default - as all files */
  readonly token?: FileAccess;
  /** Every file of `credentialFiles`. @default - as all files */
  readonly credentials?: FileAccess;
}

/** A signal to the process that a file names. */
export interface SignalHook {
  /** Absolute path of the file that holds the process's number. */
  readonly pidFile: string;
  /** The signal. @default "HUP" */
  readonly signal?: "HUP" | "USR1" | "USR2";
}

/**
 * What runs after something was renewed, as root or `user`, with `VPC_IDENTITY_CHANGED` (such as `certificate token:default`),
 * `VPC_IDENTITY_DIRECTORY` and `VPC_IDENTITY_EXIT_CODE` in its environment. A hook that fails undoes nothing.
 */
export interface HooksOptions {
  /**
   * systemd units to reload, or to restart where they cannot. One that has failed is started again, one that is stopped
   * (inactive) stays so; a service that ends its stop with an error counts as failed. @default - none
   */
  readonly reload?: readonly string[];
  /** Processes to signal. @default - none */
  readonly signal?: readonly SignalHook[];
  /** Commands, each a list of words that no shell changes. @default - none */
  readonly exec?: readonly (readonly string[])[];
  /** Folder whose executable files are run, in the order of their names; the unit's time is for 20. @default - none */
  readonly directory?: string;
  /** Commands after a run that failed. @default - none */
  readonly failureExec?: readonly (readonly string[])[];
  /** Folder whose executable files are run after a run that failed. @default - none */
  readonly failureDirectory?: string;
  /** Seconds (1 to 600) a command may take; what is not gone 5 seconds later is killed. @default 60 */
  readonly timeoutSeconds?: number;
}

/** A credentials file for IBM's SDKs and tools: `/run/vpc-identity/credentials/<token>.env`. */
export interface CredentialFile {
  /** Name of the IAM token. */
  readonly token: string;
  /** Service names as the SDK spells them in its variables, such as `VPC`. */
  readonly services: readonly string[];
}

/** Where strongSwan finds the credentials. */
export interface StrongswanOptions {
  /**
   * Name of the files below `/etc/swanctl`: `private/<name>.key`, `x509/<name>.pem`, `x509ca/<name>_int.crt` and, with more
   * certificates, `_int2.crt` and so on. IBM's mount helper for file shares calls them `type_ibmshare`.
   * @default "vpc-identity"
   */
  readonly name?: string;
}

/** Options for those who use the credentials; each may be left out. */
export interface ConsumerOptions {
  /** Owner, group and mode by file. @default - as `group` says */
  readonly files?: FilesOptions;
  /** Also write `combined.pem`: key, leaf and intermediates in one, as HAProxy wants it. @default false */
  readonly combinedPem?: boolean;
  /** Credentials files for IBM's SDKs and tools, one for a token at most. @default - none */
  readonly credentialFiles?: readonly CredentialFile[];
  /** What runs after a renewal, and after a run that failed. @default - none */
  readonly hooks?: HooksOptions;
  /**
   * Copy key and certificates to where strongSwan's `swanctl` looks for them, and load them, after each renewal. The copies
   * are on the disk. @default - no copies
   */
  readonly strongswan?: StrongswanOptions;
  /**
   * Form of the lines on standard error, which the journal keeps: `logfmt` and `json` have the fields `time`, `program`,
   * `event`, `http_code`, `code`, `trace`, `seconds_left` and `message`, those that apply. @default "plain"
   */
  readonly log?: "plain" | "logfmt" | "json";
  /**
   * File for the textfile collector of Prometheus' node exporter, ending in `.prom`: exit code and time of the last run,
   * whether a hook failed, and when each credential expires. A run that SIGKILL ended leaves the file as it was: its time
   * tells. Not where the service's unit cannot write for others: `/etc`, `/usr`, `/boot`, `/home`, `/root`, `/tmp`, `/dev`,
   * `/proc`, `/sys` and the like. @default - none
   */
  readonly metricsFile?: string;
}

const account = text({ max: 32, pattern: /^[a-z0-9_][a-z0-9_-]*$/, allowed: "a user or group name, or its number" });
const absolutePath = text({
  max: 255,
  pattern: /^\/(?!.*\/\.\.(?:\/|$))[A-Za-z0-9._@/-]+$/,
  allowed: "an absolute path of letters, digits and . _ @ - /",
});
const accessOf = (mode: Rule): Rule => object({ fields: { owner: account, group: account, mode } });
const publicFile = accessOf(
  text({
    pattern: /^0[0-7][0145]{2}$/,
    allowed: 'four octal digits, such as "0640", not writable by group or others',
  }),
);
const secretFile = accessOf(
  text({
    pattern: /^0[0-7][0145]0$/,
    allowed: 'four octal digits, such as "0640", not writable by the group and without any access for others',
  }),
);
const metricsFile = text({
  max: 255,
  pattern:
    /^\/(?!(?:\.?\/)*(?:bin|boot|dev|efi|etc|home|lib\w*|proc|root|run\/+user|sbin|sys|tmp|usr|var\/+tmp)\/)(?!.*\/\.\.(?:\/|$))[A-Za-z0-9._@/-]+\.prom$/,
  allowed:
    'an absolute path that ends in ".prom", outside of folders that the service\'s unit hides or cannot write (/etc, /usr, /boot, /home, /root, /tmp, /var/tmp, /run/user, /dev, /proc, /sys)',
});
const command: Rule = (value, path) =>
  Array.isArray(value) && value.length === 0
    ? [{ property: path, reason: "is empty; a command has at least one word" }]
    : list(text({ max: 1024, pattern: /^[\x20-\x7e]*$/, allowed: "printable ASCII, up to 1024 characters" }))(
        value,
        path,
      );

/** Rules of ConsumerOptions, by argument. */
export const consumerRules: Readonly<Record<keyof ConsumerOptions, Rule>> = {
  files: object({
    fields: {
      "key.pem": secretFile,
      "leaf.pem": publicFile,
      "chain.pem": publicFile,
      "fullchain.pem": publicFile,
      "combined.pem": secretFile,
      "manifest.json": publicFile,
      token: secretFile,
      credentials: secretFile,
    },
  }),
  combinedPem: flag,
  credentialFiles: list(
    object({
      fields: {
        token: text({ max: 64, pattern: /^[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?$/, allowed: "the name of a token" }),
        services: list(
          text({ max: 64, pattern: /^[A-Z][A-Z0-9_]*$/, allowed: "capital letters, digits and underscores" }),
        ),
      },
      required: ["token", "services"],
    }),
  ),
  hooks: object({
    fields: {
      reload: list(
        text({ max: 128, pattern: /^[A-Za-z0-9][A-Za-z0-9:_.@-]*$/, allowed: 'a unit name, such as "nginx.service"' }),
      ),
      signal: list(
        object({ fields: { pidFile: absolutePath, signal: oneOf("HUP", "USR1", "USR2") }, required: ["pidFile"] }),
      ),
      exec: list(command),
      directory: absolutePath,
      failureExec: list(command),
      failureDirectory: absolutePath,
      timeoutSeconds: integer(1, 600, "seconds"),
    },
  }),
  strongswan: object({
    fields: {
      name: text({
        max: 64,
        pattern: /^[A-Za-z0-9][A-Za-z0-9_-]*$/,
        allowed: "letters, digits, hyphens and underscores",
      }),
    },
  }),
  log: oneOf("plain", "logfmt", "json"),
  metricsFile,
};

/** Settings as the server reads them: lines of a word, a tab and its values, one line for each value that is there. */
export function settingsLines(settings: Readonly<Record<string, string | undefined | readonly string[]>>): string {
  return Object.entries(settings)
    .flatMap(([word, values = []]) =>
      (typeof values === "string" ? [values] : values).map((one) => `${word}\t${one}\n`),
    )
    .join("");
}

/** The settings of these options; empty when there is nothing to say. */
export function consumerSettings(options: ConsumerOptions): string {
  const { files = {}, credentialFiles = [], hooks = {}, strongswan, log = "plain" } = options;
  return settingsLines({
    file: Object.entries(files).map(
      ([name, { owner = "root", group = "root", mode = "0600" }]: [string, FileAccess]) =>
        `${name} ${owner} ${group} ${mode}`,
    ),
    combined: options.combinedPem === true ? "1" : undefined,
    credentials: credentialFiles.map(({ token, services }) => [token, ...services].join(" ")),
    reload: hooks.reload,
    signal: hooks.signal?.map(({ pidFile, signal = "HUP" }) => `${signal} ${pidFile}`),
    exec: hooks.exec?.map(shellLine),
    directory: hooks.directory,
    "failure-exec": hooks.failureExec?.map(shellLine),
    "failure-directory": hooks.failureDirectory,
    timeout: hooks.timeoutSeconds?.toString(),
    swanctl: strongswan && (strongswan.name ?? "vpc-identity"),
    log: log === "plain" ? undefined : log,
    metrics: options.metricsFile,
  });
}

/** A command line that a shell takes apart into exactly these words. */
function shellLine(words: readonly string[]): string {
  return words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
}

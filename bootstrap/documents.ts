/**
 * The documents a server boots from: cloud-config, or one plain script. Both install the same files and run the same
 * command; both are pure text, the same bytes for the same options on every machine, since a byte that differs would look
 * like a change of the server.
 */
import { VpcIdentityError } from "../core/errors";
import { describeProblems } from "../core/validate";
import { gzip } from "./gzip";
import { mergedDocument } from "./merge";
import type { BootstrapOptions, ResolvedOptions } from "./options";
import { resolveOptions, validateBootstrap } from "./options";
import { INSTALLED_SCRIPT } from "./script";
import { SCRIPT_EXTRAS } from "./script-extras";
import { systemdUnits } from "./units";

/** Largest user data the VPC API takes, in bytes of UTF-8. */
export const USER_DATA_LIMIT_BYTES = 65_536;

/** How user data is written. */
export interface UserDataForm {
  /**
   * `cloud-config`, `mime` (multipart) and `archive` (cloud-config archive) for images with cloud-init; `script` for
   * whatever else runs a POSIX shell script. @default - "cloud-config", or "mime" with `merge`
   */
  readonly format?: "cloud-config" | "script" | "mime" | "archive";
  /**
   * User data of your own that the server gets as well: texts that begin with `#cloud-config`, `#!` or `#cloud-boothook`.
   * Where both have a list, such as `runcmd`, ours comes first; where both set a value, yours stays. @default - none
   */
  readonly merge?: readonly string[];
  /** What the image makes of user data (`user_data_format` of the image); all but `cloud_init` are refused. @default "cloud_init" */
  readonly imageUserDataFormat?: "cloud_init" | "esxi_kickstart" | "ipxe";
  /** In a cloud-config, pack each file that gets smaller by it; a script is never packed. @default true */
  readonly compress?: boolean;
}

interface InstalledFile {
  readonly path: string;
  readonly mode: "0644" | "0755";
  readonly content: string;
}

const COMMAND = "/usr/local/bin/vpc-identity";

/**
 * User data that gives a server its identity at first boot. It holds no secret.
 *
 * @throws VpcIdentityError `IBMID_INVALID_BOOTSTRAP` with every problem of the options, or `IBMID_USER_DATA_TOO_LARGE`.
 * @example
 * const userData = bootstrapUserData({ certificate: { subject: { O: "Example" } } });
 */
export function bootstrapUserData(options: BootstrapOptions = {}, form: UserDataForm = {}): string {
  const problems = validateBootstrap(options, "");
  if (problems.length > 0) {
    throw new VpcIdentityError(`The bootstrap options are not usable:\n${describeProblems(problems)}`, {
      code: "IBMID_INVALID_BOOTSTRAP",
    });
  }
  refuseForm(form);
  const resolved = resolveOptions(options);
  const files = installedFiles(resolved);
  const command = resolved.renewal === false ? "once" : "provision";
  const { merge = [], format = merge.length > 0 ? "mime" : "cloud-config", compress = true } = form;
  const document =
    format === "script"
      ? scriptDocument(files, command)
      : format === "cloud-config"
        ? cloudConfig(files, command, compress)
        : mergedDocument(cloudConfig(files, command, compress), merge, format);
  const bytes = Buffer.byteLength(document, "utf8");
  if (bytes > USER_DATA_LIMIT_BYTES) {
    throw new VpcIdentityError(
      `The user data has ${bytes} bytes; the VPC API takes at most ${USER_DATA_LIMIT_BYTES}. Shorten trustRootsPem or iamTokens.`,
      { code: "IBMID_USER_DATA_TOO_LARGE" },
    );
  }
  return document;
}

/**
 * The same as one POSIX sh script: `bootstrapUserData(options, { format: "script" })`.
 *
 * @throws VpcIdentityError as bootstrapUserData does.
 * @example
 * writeFileSync("bootstrap.sh", bootstrapScript({ certificate: false }));
 */
export function bootstrapScript(options: BootstrapOptions = {}): string {
  return bootstrapUserData(options, { format: "script" });
}

/** What a server could not boot from, or would boot from without what was asked for. */
function refuseForm({ format, merge = [], imageUserDataFormat = "cloud_init" }: UserDataForm): void {
  const problems = [
    ...(imageUserDataFormat === "cloud_init"
      ? []
      : [
          {
            property: "imageUserDataFormat",
            reason: `is "${imageUserDataFormat}"; such an image does not run cloud-init, so its servers cannot fetch their identity by user data`,
          },
        ]),
    ...(merge.length > 0 && (format === "script" || format === "cloud-config")
      ? [{ property: "format", reason: `is "${format}"; with merge it must be "mime" or "archive"` }]
      : []),
  ];
  if (problems.length > 0) {
    throw new VpcIdentityError(`The form of the user data is not usable:\n${describeProblems(problems)}`, {
      code: "IBMID_INVALID_BOOTSTRAP",
    });
  }
}

function installedFiles(options: ResolvedOptions): InstalledFile[] {
  const { trustRootsPem, consumers, ...settings } = options;
  const units = options.renewal === false ? {} : systemdUnits(options, options.renewal);
  const roots: InstalledFile[] =
    trustRootsPem === undefined
      ? []
      : [
          {
            path: "/etc/vpc-identity/trust-roots.pem",
            mode: "0644",
            content: `${trustRootsPem.replaceAll("\r", "").trim()}\n`,
          },
        ];
  const extras: InstalledFile[] =
    consumers === ""
      ? []
      : [
          {
            path: "/usr/local/lib/vpc-identity/extras",
            mode: "0644",
            content: SCRIPT_EXTRAS.replace(/^ *# (?!shellcheck).*\n/gm, ""),
          },
          { path: "/etc/vpc-identity/extras.conf", mode: "0644", content: consumers },
        ];
  return [
    { path: COMMAND, mode: "0755", content: INSTALLED_SCRIPT },
    { path: "/etc/vpc-identity/config.json", mode: "0644", content: asciiJson(settings) },
    ...roots,
    ...extras,
    ...Object.entries(units).map(([name, content]): InstalledFile => ({
      path: `/etc/systemd/system/${name}`,
      mode: "0644",
      content,
    })),
  ];
}

/** Pure ASCII, because user data passes through serial consoles, ISO images and encodings that nobody controls. */
function asciiJson(value: unknown): string {
  const json = JSON.stringify(value, undefined, 2);
  return `${json.replace(/[^\x20-\x7e\n]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)}\n`;
}

/** What is short stays readable; a file is packed where that makes the document smaller. */
function cloudConfig(files: readonly InstalledFile[], command: string, compress: boolean): string {
  const entries = files.map(({ path, mode, content }) => {
    const plain = `    content: |\n${content.replace(/^(?=.)/gm, "      ")}`;
    const packed = `    encoding: gz+b64\n    content: ${compress ? packedText(content) : ""}\n`;
    const body = compress && plain.length - packed.length >= WORTH_PACKING_BYTES ? packed : plain;
    return `  - path: ${path}\n    permissions: "${mode}"\n${body}`;
  });
  return `#cloud-config\nwrite_files:\n${entries.join("")}runcmd:\n  - [${COMMAND}, ${command}]\n`;
}

/** Below this a reader of the document loses more than the document gains. */
const WORTH_PACKING_BYTES = 1024;

let packedScript: string | undefined;

/** Packing takes a while, and the largest text is the same for every server of a program. */
function packedText(text: string): string {
  if (text !== INSTALLED_SCRIPT) return gzip(text).toString("base64");
  packedScript ??= gzip(text).toString("base64");
  return packedScript;
}

function scriptDocument(files: readonly InstalledFile[], command: string): string {
  const parts = files.map(({ path, mode, content }) => {
    const end = delimiter(content);
    const folder = path.slice(0, path.lastIndexOf("/"));
    return `mkdir -p "$root${folder}"\ncat >"$root${path}" <<'${end}'\n${content}${end}\nchmod ${mode} "$root${path}"\n`;
  });
  const head = "#!/bin/sh\nset -e\numask 022\nroot=$VPC_IDENTITY_ROOT\n";
  return `${head}${parts.join("")}exec "$root${COMMAND}" ${command}\n`;
}

/** A line that the text does not contain, so that the text cannot end its own here-document. */
function delimiter(content: string): string {
  const lines = new Set(content.split("\n"));
  let word = "END_OF_FILE";
  while (lines.has(word)) word += "_";
  return word;
}

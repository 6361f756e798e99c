/**
 * The documents a server boots from: cloud-config, or one plain script. Both install the same files and run the same
 * command; both are pure text, the same bytes for the same options on every machine, since a byte that differs would look
 * like a change of the server.
 */
import { VpcIdentityError } from "../core/errors";
import { describeProblems, type Problem, problemsOf } from "../core/validate";
import { unknownValues, withoutNulls } from "./absent-values";
import { asciiEscapes } from "./ascii";
import { gzip } from "./gzip";
import { mergedDocument } from "./merge";
import { type BootstrapOptions, validateBootstrap } from "./options";
import { type ResolvedOptions, resolveOptions } from "./resolved-options";
import { INSTALLED_SCRIPT } from "./script";
import { extrasScript } from "./script-extras";
import { largestOf, measured, type Segment, USER_DATA_LIMIT_BYTES, type UserDataReport } from "./size";
import { systemdUnits } from "./units";
import { type UserDataForm, userDataFormRule } from "./user-data-form";

interface InstalledFile {
  readonly path: string;
  readonly mode: "0644" | "0755";
  readonly content: string;
}

const COMMAND = "/usr/local/bin/vpc-identity";

/**
 * User data that gives a server its identity at first boot. It holds no secret.
 *
 * @throws VpcIdentityError `IBMID_INVALID_BOOTSTRAP` with every problem of options and form, or `IBMID_USER_DATA_TOO_LARGE`.
 * @example
 * const userData = bootstrapUserData({ certificate: { subject: { O: "Example" } } });
 */
export function bootstrapUserData(options: BootstrapOptions = {}, form: UserDataForm = {}): string {
  return userDataReport(options, form).userData;
}

/**
 * User data with its size, part by part.
 *
 * @throws VpcIdentityError as bootstrapUserData does.
 * @example
 * const { bytes, parts, warning } = userDataReport({}, { merge: [readFileSync("own.cfg", "utf8")] });
 */
export function userDataReport(options: BootstrapOptions = {}, form: UserDataForm = {}): UserDataReport {
  const problems = [
    ...validateBootstrap(options, ""),
    ...validateUserDataForm(form, ""),
    ...unknownValues(options, ""),
    ...unknownValues(form, ""),
  ];
  if (problems.length > 0) {
    throw new VpcIdentityError(`The bootstrap options are not usable:\n${describeProblems(problems)}`, {
      code: "IBMID_INVALID_BOOTSTRAP",
    });
  }
  const resolved = resolveOptions(options);
  const files = installedFiles(resolved);
  const command = resolved.renewal === false ? "once" : "provision";
  const { merge = [], format = merge.length > 0 ? "mime" : "cloud-config", compress = true } = withoutNulls(form);
  const report = measured(
    format === "script"
      ? scriptDocument(files, command)
      : format === "cloud-config"
        ? cloudConfig(files, command, compress)
        : mergedDocument(cloudConfig(files, command, compress), merge, format),
  );
  if (report.bytes > USER_DATA_LIMIT_BYTES) {
    throw new VpcIdentityError(
      `The user data has ${report.bytes} bytes; the VPC API takes at most ${USER_DATA_LIMIT_BYTES}. ${largestOf(report)}`,
      { code: "IBMID_USER_DATA_TOO_LARGE" },
    );
  }
  return report;
}

/**
 * Lists everything that is wrong with the form of user data; values that are not known yet are passed over.
 *
 * @example
 * validateUserDataForm({ format: "script", merge: ["#!/bin/sh\n"] }, "form");
 * // [{ property: "form.format", reason: 'is "script"; with merge it must be "mime" or "archive"' }]
 */
export function validateUserDataForm(form: unknown, path: string): Problem[] {
  return problemsOf(userDataFormRule, form, path);
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

function installedFiles(options: ResolvedOptions): InstalledFile[] {
  const { trustRootsPem, metadataCaPem, extras: extrasSettings, ...settings } = options;
  const units = options.renewal === false ? {} : systemdUnits(options, options.renewal);
  const pemFiles = Object.entries({ "trust-roots.pem": trustRootsPem, "metadata-ca.pem": metadataCaPem });
  const roots = pemFiles.flatMap(([name, pem]): InstalledFile[] =>
    pem === undefined
      ? []
      : [{ path: `/etc/vpc-identity/${name}`, mode: "0644", content: `${pem.replaceAll("\r", "").trim()}\n` }],
  );
  const extras: InstalledFile[] =
    extrasSettings === ""
      ? []
      : [
          { path: "/usr/local/lib/vpc-identity/extras", mode: "0644", content: extrasScript(extrasSettings) },
          { path: "/etc/vpc-identity/extras.conf", mode: "0644", content: extrasSettings },
        ];
  return [
    { path: COMMAND, mode: "0755", content: INSTALLED_SCRIPT },
    {
      path: "/etc/vpc-identity/config.json",
      mode: "0644",
      content: `${asciiEscapes(JSON.stringify(settings, undefined, 2))}\n`,
    },
    ...roots,
    ...extras,
    ...Object.entries(units).map(([name, content]): InstalledFile => ({
      path: `/etc/systemd/system/${name}`,
      mode: "0644",
      content,
    })),
  ];
}

/** What is short stays readable; a file is packed where that makes the document smaller. */
function cloudConfig(files: readonly InstalledFile[], command: string, compress: boolean): Segment[] {
  const entries = files.map(({ path, mode, content }) => {
    const plain = `    content: |\n${content.replace(/^(?=.)/gm, "      ")}`;
    // In lines that a MIME document can hold as they are, or it would have to encode them once more.
    const packed = (): string =>
      `    encoding: gz+b64\n    content: |\n${packedText(path, content).replace(/.{1,890}/g, "      $&\n")}`;
    const isWorth =
      compress && plain.length > WORTH_PACKING_BYTES && plain.length - packed().length >= WORTH_PACKING_BYTES;
    const body = isWorth ? packed() : plain;
    return segmentOf(path, content, `  - path: ${path}\n    permissions: "${mode}"\n${body}`);
  });
  return [{ text: "#cloud-config\nwrite_files:\n" }, ...entries, { text: `runcmd:\n  - [${COMMAND}, ${command}]\n` }];
}

function segmentOf(part: string, content: string, text: string): Segment {
  return { part, bytes: Buffer.byteLength(content), text };
}

/** Below this a reader of the document loses more than the document gains. */
const WORTH_PACKING_BYTES = 1024;

const packedPrograms = new Map<string, string>();

/** Packing takes a while, and our programs, unlike settings, are the same few for all servers. */
function packedText(path: string, content: string): string {
  const packed = packedPrograms.get(content) ?? gzip(content).toString("base64");
  if (path.startsWith("/usr/local/")) packedPrograms.set(content, packed);
  return packed;
}

function scriptDocument(files: readonly InstalledFile[], command: string): Segment[] {
  const parts = files.map(({ path, mode, content }) => {
    const end = delimiter(content);
    const folder = path.slice(0, path.lastIndexOf("/"));
    const text = `mkdir -p "$root${folder}"\ncat >"$root${path}" <<'${end}'\n${content}${end}\nchmod ${mode} "$root${path}"\n`;
    return segmentOf(path, content, text);
  });
  const head = "#!/bin/sh\nset -e\numask 022\nroot=$VPC_IDENTITY_ROOT\n";
  return [{ text: head }, ...parts, { text: `exec "$root${COMMAND}" ${command}\n` }];
}

/** A line that the text does not contain, so that the text cannot end its own here-document. */
function delimiter(content: string): string {
  const lines = new Set(content.split("\n"));
  let word = "END_OF_FILE";
  while (lines.has(word)) word += "_";
  return word;
}

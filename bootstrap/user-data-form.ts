/**
 * How user data is written: in which document, together with what else, for which image. What a server could not boot from,
 * or would boot from without what was asked for, is refused here.
 */
import { type Problem, type Rule, flag, list, object, oneOf, show } from "../core/validate";

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
  /**
   * What the image makes of user data: its `user_data_format` in the VPC API. One that hands it to something else than
   * cloud-init would ignore ours, so all but `cloud_init` are refused, as `getImage()` refuses such images. @default "cloud_init"
   */
  readonly imageUserDataFormat?: "cloud_init" | "esxi_kickstart" | "ipxe";
  /** In a cloud-config, pack each file that gets smaller by it; a script is never packed. @default true */
  readonly compress?: boolean;
}

/** The formats of user data. */
export const USER_DATA_FORMATS = ["cloud-config", "script", "mime", "archive"] as const;

/** What a part of the user's own may be, by its first line. */
export const PART_KINDS = [
  { head: "#cloud-config", type: "text/cloud-config", name: "cloud-config" },
  { head: "#!", type: "text/x-shellscript", name: "script" },
  { head: "#cloud-boothook", type: "text/cloud-boothook", name: "boothook" },
] as const;

/** The kind of a part, or undefined for a text that is none. */
export function partKind(content: string): (typeof PART_KINDS)[number] | undefined {
  // "#cloud-config-archive" begins like a cloud-config and is none.
  const first = content.split("\n", 1)[0] ?? "";
  return PART_KINDS.find(({ head }) => (head === "#!" ? first.startsWith(head) : first.trimEnd() === head));
}

/** Texts that images without cloud-init boot from; their users look for the reason, and not for another first line. */
const FOREIGN: readonly [pattern: RegExp, name: string][] = [
  [/^\s*\{[^]*"ignition"\s*:/, "an Ignition configuration"],
  [/^(?:---\s*)?(?:env|workload):|^hyper-protect-basic\./, "a contract of Hyper Protect"],
  [/^#ps1|^<powershell>/i, "a script for Windows"],
];

const part: Rule = (value, property) => {
  if (typeof value !== "string") return [{ property, reason: `is ${show(value)}; must be a text` }];
  if (partKind(value) !== undefined) return [];
  const seen = `begins with ${show((value.split("\n", 1)[0] ?? "").slice(0, 40))}`;
  const foreign = FOREIGN.find(([pattern]) => pattern.test(value))?.[1];
  return [
    {
      property,
      reason:
        foreign === undefined
          ? `${seen}; must begin with ${PART_KINDS.map(({ head }) => `"${head}"`).join(", ")}`
          : `${seen}: it is ${foreign}, for an image that does not run cloud-init`,
    },
  ];
};

const imageFormat: Rule = (value, property) => {
  if (value !== "esxi_kickstart" && value !== "ipxe") {
    return oneOf("cloud_init", "esxi_kickstart", "ipxe")(value, property);
  }
  const reason = `is "${value}"; such an image does not run cloud-init, so its servers cannot fetch their identity by user data`;
  return [{ property, reason }];
};

/** Lists everything that is wrong with the form of user data. */
export const userDataFormRule: Rule = object({
  fields: {
    format: oneOf(...USER_DATA_FORMATS),
    merge: list(part),
    imageUserDataFormat: imageFormat,
    compress: flag,
  },
  also: ({ format, merge }, path): Problem[] =>
    Array.isArray(merge) && merge.length > 0 && (format === "script" || format === "cloud-config")
      ? [
          {
            property: path === "" ? "format" : `${path}.format`,
            reason: `is "${format}"; with merge it must be "mime" or "archive"`,
          },
        ]
      : [],
});

/** Whatever a program hands over: a document that reads back, or a list with every problem, and nothing else ever. */
import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import * as fc from "fast-check";
import { parse } from "yaml";
import {
  type BootstrapOptions,
  USER_DATA_FORMATS,
  USER_DATA_LIMIT_BYTES,
  USER_DATA_WARNING_BYTES,
  type UserDataForm,
  userDataReport,
  validateBootstrap,
  validateUserDataForm,
} from "../../bootstrap";
import { readUserData } from "../../emulator/boot-document";
import { partsOf } from "../../emulator/boot-parts";

const PROFILE = "Profile-6d3cbb1e-ae8c-4d0e-a95d-2e6a5c1d1f2a";
const PEM = `-----BEGIN CERTIFICATE-----\n${"A".repeat(64)}\n-----END CERTIFICATE-----\n`;

const maybe = (fields: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<object> =>
  fc.record(Object.fromEntries(Object.entries(fields).map(([key, one]) => [key, fc.option(one, { nil: undefined })])));
const words = fc.array(fc.stringMatching(/^[ -~]{1,20}$/), { minLength: 1, maxLength: 3 });
const seconds = (min: number, max: number): fc.Arbitrary<number> => fc.integer({ min, max });

/** Options that are good, with texts that could break out of any of the documents. */
const goodOptions = maybe({
  iamTokens: fc
    .uniqueArray(fc.constantFrom("default", "a", "b-1", "c.d"), { maxLength: 3 })
    .map((names) =>
      names.map((name, index) => (index === 1 ? { name, profileId: PROFILE } : { name, profileCrn: null })),
    ),
  certificate: fc.oneof(
    fc.constant(false),
    maybe({
      keySize: fc.constantFrom(2048, 4096),
      subject: fc.record({
        O: fc.stringMatching(/^[!-~é\u{1F600}]{1,30}$/u),
        OU: fc.constantFrom(undefined, null, "END_OF_FILE"),
      }),
      expiresInSeconds: seconds(1800, 3600),
    }),
  ),
  trustRootsPem: fc.constantFrom(PEM, PEM.replaceAll("\n", "\r\n")),
  protocol: fc.constantFrom("http", "https"),
  maturity: fc.constant("beta"),
  identityTokenSeconds: seconds(5, 3600),
  retrySeconds: seconds(0, 3600),
  renewal: fc.oneof(
    fc.constant(false),
    maybe({ certificatePercent: seconds(50, 80), checkEverySeconds: seconds(5, 300) }),
  ),
  group: fc.constant("www-data"),
  nonce: fc.boolean(),
  keepOnDisk: fc.boolean(),
  files: maybe({ "key.pem": maybe({ owner: fc.constant("nginx"), mode: fc.constant("0640") }) }),
  hooks: maybe({
    reload: fc.constant(["nginx.service"]),
    exec: fc.array(words, { maxLength: 2 }),
    timeoutSeconds: seconds(1, 600),
  }),
}) as fc.Arbitrary<BootstrapOptions>;

/** The user's own parts, some of which try to end the document they are put in. */
const part = fc
  .tuple(
    fc.constantFrom("#cloud-config\n", "#!/bin/sh\n", "#cloud-boothook\n#!/bin/sh\n"),
    fc.array(
      fc.oneof(
        fc.constantFrom(
          "# --==vpc-identity==",
          "--==vpc-identity==--",
          "# --===vpc-identity===",
          "# MIME-Version: 1.0",
          "#'\"\\",
        ),
        fc.string({ unit: "grapheme", maxLength: 20 }).map((text) => `# ${text}`),
        fc.constant(`# ${"x".repeat(1200)}`),
      ),
      { maxLength: 6 },
    ),
    fc.constantFrom("", "\n"),
  )
  .map(([head, lines, end]) => head + lines.join("\n") + end);

const goodForm: fc.Arbitrary<UserDataForm> = fc
  .record({
    format: fc.constantFrom(...USER_DATA_FORMATS, undefined),
    merge: fc.array(part, { maxLength: 3 }),
    compress: fc.boolean(),
  })
  .map(({ format, merge, compress }) => ({
    compress,
    merge: format === "script" || format === "cloud-config" ? [] : merge,
    ...(format === undefined ? {} : { format }),
  }));

/** What a document installs, by path; a script's here-documents are read by a shell in another test. */
function filesOf(userData: string): Record<string, string> {
  const config =
    partsOf(userData)
      .filter(({ kind }) => kind === "cloud-config")
      .at(-1)?.content ?? "";
  const { write_files: files } = parse(config) as {
    write_files: { path: string; encoding?: string; content: string }[];
  };
  return Object.fromEntries(
    files.map(({ path, encoding, content }) => [
      path,
      encoding === undefined ? content : gunzipSync(Buffer.from(content, "base64")).toString("utf8"),
    ]),
  );
}

describe("good options", () => {
  it("give a document that reads back, in every form, with the user's parts as they were", () => {
    fc.assert(
      fc.property(goodOptions, goodForm, (options, form) => {
        expect([...validateBootstrap(options, ""), ...validateUserDataForm(form, "")]).toEqual([]);
        const { userData, bytes, parts } = userDataReport(options, form);
        expect(userData).toMatch(/^[\x20-\x7e\n\t]*$/);
        expect(bytes).toBe(Buffer.byteLength(userData));
        expect(parts.reduce((sum, { writtenBytes }) => sum + writtenBytes, 0)).toBe(bytes);
        expect(parts.every(({ writtenBytes }) => writtenBytes >= 0)).toBe(true);
        if (form.format === "script") return;
        expect(
          partsOf(userData)
            .slice(0, -1)
            .map(({ content }) => content),
        ).toEqual(form.merge);
        const files = filesOf(userData);
        expect(Object.keys(files).sort()).toEqual(
          parts
            .map(({ name }) => name)
            .filter((name) => name.startsWith("/"))
            .sort(),
        );
        const config = JSON.parse(files["/etc/vpc-identity/config.json"] ?? "") as Record<string, unknown>;
        expect(JSON.stringify(config)).not.toContain("null");
        if (form.merge?.length === 0) expect(readUserData(userData).commands).toEqual(["/usr/local/bin/vpc-identity"]);
      }),
      { numRuns: 150 },
    );
  });

  it("give the same bytes again", () => {
    fc.assert(
      fc.property(goodOptions, goodForm, (options, form) => {
        expect(userDataReport(options, form)).toEqual(userDataReport({ ...options }, { ...form }));
      }),
      { numRuns: 20 },
    );
  });
});

/** A value that is wrong wherever it stands, and where it can stand. */
const BAD: readonly [path: string, value: unknown][] = [
  ["iamTokens[1]", null],
  ["certificate.subject.CN", "x"],
  ["certificate.expiresInSeconds", 12n],
  ["trustRootsPem", PEM.slice(1)],
  ["protocol", ["http"]],
  ["apiVersion", Symbol("now")],
  ["maturity", Number.NaN],
  ["firstBootSeconds", "600"],
  ["renewal.checkEverySeconds", -0.5],
  ["group", "a b"],
  ["user", "Root"],
  ["nonce", 1],
  ["files.key_pem", {}],
  ["hooks.exec[0][0]", "a\nb"],
  ["credentialFiles[0].token", "nobody"],
  ["unheardOf", true],
];

function withValue(target: Record<string, unknown>, path: string, value: unknown): void {
  const keys = path.split(/[.[\]]+/).filter((key) => key !== "");
  let inner: Record<string, unknown> = target;
  for (const [index, key] of keys.slice(0, -1).entries()) {
    inner[key] ??= /^\d+$/.test(keys[index + 1] ?? "") ? [] : {};
    inner = inner[key] as Record<string, unknown>;
  }
  inner[keys.at(-1) ?? ""] = value;
}

describe("bad options", () => {
  it("are all listed, whichever of them there are", () => {
    fc.assert(
      fc.property(fc.subarray([...BAD], { minLength: 1 }), (bad) => {
        const options = { iamTokens: [{ name: "a" }] };
        for (const [path, value] of bad) withValue(options, path, value);
        const listed = validateBootstrap(options, "").map(({ property }) => property);
        expect(listed).toEqual(expect.arrayContaining(bad.map(([path]) => path)));
        expect(() => userDataReport(options)).toThrow(
          expect.objectContaining({ code: "IBMID_INVALID_BOOTSTRAP" }) as Error,
        );
      }),
      { numRuns: 200 },
    );
  });

  it("never end in anything but a document or a list of problems", () => {
    const anything = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withNullPrototype: true,
      withSparseArray: true,
      withTypedArray: true,
      maxDepth: 3,
    });
    const keys = [
      "iamTokens",
      "certificate",
      "renewal",
      "files",
      "hooks",
      "credentialFiles",
      "trustRootsPem",
      "strongswan",
      "log",
    ];
    const some = fc.dictionary(fc.constantFrom(...keys), anything, { maxKeys: 4 });
    const inner = fc.record(
      {
        certificate: fc.record({ subject: anything }),
        iamTokens: fc.array(anything, { maxLength: 2 }),
        hooks: fc.dictionary(fc.constantFrom("exec", "signal", "reload"), anything),
      },
      { requiredKeys: [] },
    );
    const forms = fc.oneof(
      anything,
      fc.dictionary(fc.constantFrom("format", "merge", "compress", "imageUserDataFormat"), anything),
    );
    fc.assert(
      fc.property(fc.oneof(anything, some, inner), forms, (options, form) => {
        let outcome: unknown;
        try {
          outcome = userDataReport(options as BootstrapOptions, form as UserDataForm).userData;
        } catch (error) {
          outcome = error;
        }
        if (typeof outcome === "string")
          expect(outcome).toMatch(/^(#cloud-config|#!\/bin\/sh|Content-Type: multipart)/);
        else
          expect(outcome).toMatchObject({
            code: "IBMID_INVALID_BOOTSTRAP",
            message: expect.stringMatching(/\n {2}- /) as string,
          });
      }),
      { numRuns: 500 },
    );
  });

  it("may hold themselves", () => {
    const options: Record<string, unknown> = { certificate: {} };
    Object.assign(options.certificate as object, { subject: options, keySize: options });
    expect(validateBootstrap(options, "").map(({ property }) => property)).toEqual(
      expect.arrayContaining(["certificate.keySize", "certificate.subject.certificate"]),
    );
  });

  it.each([
    ["options", { group: Promise.resolve("www") }, {}, "group"],
    ["an entry", { iamTokens: [{ name: "a", profileId: { __pulumiOutput: true } }] }, {}, "iamTokens[0].profileId"],
    ["the form", {}, { merge: [Promise.resolve("#!/bin/sh\n")] }, "merge[0]"],
  ])("are refused while an Output stands in %s", (_name, options, form, property) => {
    expect(() => userDataReport(options as never, form as never)).toThrow(
      `- ${property}: is an Output or a promise; bootstrapUserDataOutput takes such values`,
    );
  });
});

describe("the size", () => {
  const own = (bytes: number): string => {
    let text = "#!/bin/sh\n#";
    for (let index = 0; text.length < bytes; index++)
      text += ` ${createHash("sha256").update(String(index)).digest("hex")}\n#`;
    return text.slice(0, bytes);
  };
  const frame = userDataReport({}, { merge: [own(1000)] }).bytes - 1000;

  it.each([
    ["no warning below 48 KiB", USER_DATA_WARNING_BYTES - 1, undefined],
    ["a warning from 48 KiB on", USER_DATA_WARNING_BYTES, /^The user data has 49152 bytes of the 65536/],
    ["a warning up to the limit", USER_DATA_LIMIT_BYTES, /^The user data has 65536 bytes/],
  ])("brings %s", (_name, bytes, says) => {
    const report = userDataReport({}, { merge: [own(bytes - frame)] });
    expect(report.bytes).toBe(bytes);
    if (says === undefined) expect(report.warning).toBeUndefined();
    else expect(report.warning).toMatch(says);
  });

  it("beyond the limit is refused", () => {
    expect(() => userDataReport({}, { merge: [own(USER_DATA_LIMIT_BYTES + 1 - frame)] })).toThrow(
      expect.objectContaining({
        code: "IBMID_USER_DATA_TOO_LARGE",
        message: expect.stringMatching(
          /^The user data has 65537 bytes; .* Its largest parts: merge\[0\] \d+, /,
        ) as string,
      }) as Error,
    );
  });
});

/** User data of several parts: read here as cloud-init reads it, which is asked itself where this machine has it. */
import { spawn, spawnSync, type ChildProcessWithoutNullStreams } from "node:child_process";
import { createInterface, type Interface } from "node:readline";
import { gzipSync } from "node:zlib";
import * as fc from "fast-check";
import { readUserData } from "../../emulator/boot-document";
import { merged, mergersOf } from "../../emulator/boot-merge";
import { partsOf } from "../../emulator/boot-parts";

/** Debian's, which cloud-init is installed for; another may come first on PATH. */
const PYTHON = "/usr/bin/python3";
const hasCloudInit = spawnSync(PYTHON, ["-c", "import cloudinit"]).status === 0;

/** Answers each line of JSON with what cloud-init makes of it. */
const ORACLE = `
import json, sys, tempfile
from cloudinit import helpers, mergers, user_data, util
for line in sys.stdin:
    asked = json.loads(line)
    try:
        if "userData" in asked:
            with tempfile.TemporaryDirectory() as folder:
                paths = helpers.Paths({"cloud_dir": folder, "run_dir": folder})
                message = user_data.UserDataProcessor(paths).process(asked["userData"].encode())
                answer = [[part.get_content_type(), part.get_filename(), util.fully_decoded_payload(part)]
                          for part in message.walk() if part.get_content_maintype() != "multipart"]
                answer = [[kind, name, text.decode() if isinstance(text, bytes) else text] for kind, name, text in answer]
        else:
            root = mergers.construct(mergers.string_extract_mergers(asked["how"]))
            answer = root.merge(asked["earlier"], asked["later"])
    except Exception as error:
        answer = {"error": str(error)}
    print(json.dumps({"answer": answer}), flush=True)
`;

class Oracle {
  readonly #process: ChildProcessWithoutNullStreams = spawn(PYTHON, ["-c", ORACLE]);
  readonly #lines: Interface = createInterface({ input: this.#process.stdout });

  ask(question: object): Promise<unknown> {
    this.#process.stdin.write(`${JSON.stringify(question)}\n`);
    return new Promise((resolve) =>
      this.#lines.once("line", (line) => resolve((JSON.parse(line) as { answer: unknown }).answer)),
    );
  }

  end(): Promise<void> {
    this.#process.stdin.end();
    return new Promise((resolve) => this.#process.on("close", () => resolve()));
  }
}

const value = fc.letrec((tie) => ({
  any: fc.oneof({ maxDepth: 4 }, fc.constantFrom("a", "b", "", 1, 0, true, null), tie("list"), tie("map"), tie("map")),
  list: fc.array(tie("any"), { maxLength: 3 }),
  // Few keys, so that two maps have some in common.
  map: fc.dictionary(fc.constantFrom("k", "l"), tie("any"), { maxKeys: 2 }),
}));

const word = (...words: string[]): fc.Arbitrary<string> => fc.subarray(words).map((some) => some.join(","));
const rules = fc
  .tuple(
    word("replace", "no_replace", "recurse_list", "recurse_str", "recurse_array", "allow_delete"),
    word("append", "prepend", "replace", "no_replace", "recurse_list", "recurse_dict", "recurse_str"),
    word("append"),
    fc.subarray(["dict", "list", "str"], { minLength: 1 }),
  )
  .map(([dict, list, str, kinds]) =>
    [`dict(${dict})`, `list(${list})`, `str(${str})`]
      .filter((one) => kinds.some((kind) => one.startsWith(kind)))
      .join("+"),
  );

const OWN = "#cloud-config\nhostname: app\n";
const UMLAUT = "#cloud-config\nhostname: bäcker\n";
const SCRIPT = "#!/bin/sh\necho hello\n";
const b64 = (text: string | Buffer): string => Buffer.from(text).toString("base64");
const part = (headers: string, body: string): string => `--b\n${headers}\n\n${body}\n`;
const mime = (...parts: string[]): string =>
  `Content-Type: multipart/mixed; boundary="b"\nMIME-Version: 1.0\n\npreamble\n${parts.join("")}--b--\nepilogue\n`;

const DOCUMENTS: readonly [name: string, text: string][] = [
  ["one cloud-config", UMLAUT],
  ["one script", SCRIPT],
  [
    "a cloud-config in base64",
    mime(part("Content-Type: text/cloud-config\nContent-Transfer-Encoding: base64", b64(UMLAUT))),
  ],
  [
    "parts by name",
    mime(part('Content-Type: text/x-shellscript; name="x"\nContent-Disposition: attachment; filename="a b"', SCRIPT)),
  ],
  ["a part without a type", mime(part("MIME-Version: 1.0", SCRIPT))],
  ["a script that is a cloud-config", mime(part("Content-Type: text/x-shellscript", OWN))],
  [
    "quoted-printable",
    mime(
      part(
        "Content-Type: text/cloud-config\nContent-Transfer-Encoding: quoted-printable",
        "#cloud-config=0Ahost=\nname: b=C3=A4cker=20",
      ),
    ),
  ],
  ["a folded header", mime(part('Content-Type: text/x-shellscript;\n charset="utf-8";\n name="folded"', SCRIPT))],
  [
    "a packed part",
    mime(part("Content-Type: application/x-gzip\nContent-Transfer-Encoding: base64", b64(gzipSync(SCRIPT)))),
  ],
  [
    "a document in a document",
    mime(
      part('Content-Type: multipart/mixed; boundary="c"', `--c\nContent-Type: text/x-shellscript\n\n${SCRIPT}\n--c--`),
      part("Content-Type: text/cloud-config", OWN),
    ),
  ],
  [
    "a boundary that looks like a pattern",
    mime(part("Content-Type: text/x-shellscript", SCRIPT)).replaceAll("--b", "--a+(b").replace('"b"', '"a+(b"'),
  ],
  [
    "an archive",
    `#cloud-config-archive\n${JSON.stringify([{ type: "text/x-shellscript", filename: "z", content: SCRIPT }, { content: OWN }, SCRIPT])}`,
  ],
  [
    "an archive in a document",
    mime(
      part("Content-Type: text/cloud-config-archive", `#cloud-config-archive\n- ${JSON.stringify(SCRIPT)}`),
      part("Content-Type: text/cloud-config", OWN),
    ),
  ],
];

const TYPES = { "cloud-config": "text/cloud-config", script: "text/x-shellscript", boothook: "text/cloud-boothook" };

(hasCloudInit ? describe : describe.skip)("cloud-init itself", () => {
  let oracle: Oracle;
  beforeAll(() => void (oracle = new Oracle()));
  afterAll(() => oracle.end());

  it("merges as it is done here", async () => {
    await fc.assert(
      fc.asyncProperty(value.any, value.any, rules, async (earlier, later, how) => {
        const theirs = await oracle.ask({ earlier, later, how });
        // What it cannot merge it leaves out with a warning; here that is an error.
        const failed = typeof theirs === "object" && theirs !== null && "error" in theirs;
        let ours: unknown;
        try {
          ours = merged(earlier, later, mergersOf(how));
        } catch (error) {
          ours = error;
        }
        if (failed || ours instanceof Error) return;
        expect(ours).toEqual(theirs);
      }),
      { numRuns: 2000 },
    );
  });

  it.each(DOCUMENTS)("reads %s as it is done here", async (_name, userData) => {
    const ours = partsOf(userData).map(({ kind, name, content }) => [TYPES[kind], name, content]);
    expect(ours).toEqual(await oracle.ask({ userData }));
  });
});

describe("parts of user data", () => {
  const contentOf = (document: ReturnType<typeof readUserData>, path: string): string =>
    Buffer.from(document.files.find((file) => file.path === path)?.content ?? "", "base64").toString("utf8");

  it("become one configuration, and scripts in the order of their names", () => {
    const document = readUserData(
      mime(
        part('Content-Type: text/x-shellscript; name="zz"', SCRIPT),
        part("Content-Type: text/cloud-config", "#cloud-config\nruncmd: [mine]\nwrite_files: [{path: /a, content: a}]"),
        part('Content-Type: text/x-shellscript; name="b/c"', "#!/bin/sh\r\nexit 3\r\n"),
        part(
          "Content-Type: text/cloud-config",
          '#cloud-config\nruncmd: [[ours]]\nmerge_how: "list(prepend)+dict(no_replace,recurse_list)"',
        ),
        part('Content-Type: text/cloud-boothook; name="early"', "#cloud-boothook\n#!/bin/sh\necho early"),
      ),
    );
    const folder = "/var/lib/cloud/instance/scripts";
    expect(document.scripts).toEqual([`${folder}/b_c`, `${folder}/runcmd`, `${folder}/zz`]);
    expect(contentOf(document, `${folder}/runcmd`)).toBe("#!/bin/sh\n'ours'\nmine\n");
    expect(contentOf(document, `${folder}/b_c`)).toBe("#!/bin/sh\nexit 3\n");
    expect(document.files.map(({ path }) => path)).toContain("/a");
    expect(document.boothooks.map(({ path }) => path)).toEqual(["/var/lib/cloud/instance/boothooks/early"]);
    expect(document.commands).toBeUndefined();
  });

  it("merge by a header as by their text", () => {
    const first = part("Content-Type: text/cloud-config", "#cloud-config\nruncmd: [a]");
    const header = part(
      "Content-Type: text/cloud-config\nX-Merge-Type: list(append)+dict(recurse_list)",
      "#cloud-config\nruncmd: [b]",
    );
    const listed = part(
      "Content-Type: text/cloud-config",
      "#cloud-config\nruncmd: [b]\nmerge_how: [{name: list, settings: [append]}, {name: dict, settings: [recurse_list]}]",
    );
    for (const second of [header, listed]) expect(readUserData(mime(first, second)).commands).toEqual(["a", "b"]);
    expect(
      readUserData(mime(first, part("Content-Type: text/cloud-config", "#cloud-config\nruncmd: [b]"))).commands,
    ).toEqual(["b"]);
  });

  it.each([
    {
      name: "a kind it does not execute",
      userData: mime(part("Content-Type: text/x-include-url", "http://x")),
      says: /part of type text\/x-include-url/,
    },
    {
      name: "a template",
      userData: mime(part("Content-Type: text/plain", "## template: jinja\n#cloud-config")),
      says: /part of type text\/jinja2/,
    },
    {
      name: "a document without a boundary",
      userData: "MIME-Version: 1.0\nContent-Type: multipart/mixed\n\nx",
      says: /names no boundary/,
    },
    { name: "an archive that is no list", userData: "#cloud-config-archive\na: b", says: /archive is not a list/ },
    {
      name: "an entry without content",
      userData: "#cloud-config-archive\n- {type: text/x-shellscript}",
      says: /Entry 0 .* has no content/,
    },
    {
      name: "an encoding there is not",
      userData: mime(part("Content-Type: text/cloud-config\nContent-Transfer-Encoding: rot13", "x")),
      says: /encoding "rot13"/,
    },
    { name: "a boothook that cannot run", userData: "#cloud-boothook\necho x", says: /has no "#!" line/ },
    {
      name: "a key it does not execute, in any part",
      userData: mime(
        part("Content-Type: text/cloud-config", "#cloud-config\npackages: [x]"),
        part("Content-Type: text/cloud-config", OWN),
      ),
      says: /"packages", "hostname", which this emulator/,
    },
    {
      name: "characters that cloud-init garbles",
      userData: mime(part('Content-Type: text/cloud-config; charset="utf-8"', UMLAUT)),
      says: /other characters than ASCII/,
    },
    { name: "rules that are none", userData: "#cloud-config\nmerge_how: prepend", says: /merge_how has "prepend"/ },
    { name: "rules of no known form", userData: "#cloud-config\nmerge_how: 5", says: /merge_how is 5/ },
  ])("refuses $name", ({ userData, says }) => {
    expect(() => readUserData(userData)).toThrow(says);
  });
});

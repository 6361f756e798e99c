/** Values that a user supplies, with everything in them that a shell, awk or openssl could take for its own. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import type { BootstrapOptions } from "../../bootstrap";
import { validateBootstrap } from "../../bootstrap";
import { SHELLS } from "./server-folder";
import { Servers } from "./servers";

const servers = new Servers();

const special = fc.constantFrom(
  ...["'", '"', "\\", "$(id)", "`id`", "$HOME", "#", ";", "&", "|", "*", "?", "~", "!", "%s", "\\n", "--", "=", "{}"],
  ...["[x]", "<", ">", "(", ")", "\\\\", "''", " ", "  ", "a", "0", "END", "{{ x }}", "@", ":"],
);
const word = fc.array(special, { minLength: 1, maxLength: 6 }).map((parts) => parts.join(""));
const foreign = fc.constantFrom("é", "Ü", "日本", "😀", "ß");
/** An attribute of a subject: no space at its ends, which the rules of the options refuse. */
const attribute = fc
  .tuple(word, foreign)
  .map(([text, other]) => `x${text}${other}x`)
  .filter((text) => validateBootstrap({ certificate: { subject: { O: text } } }, "").length === 0);

/** Values of the subject that openssl reads in the request. */
function subjectOf(csr: string): Record<string, string> {
  const args = ["req", "-noout", "-subject", "-nameopt", "sep_multiline,sname,utf8,dn_rev"];
  const { stdout } = spawnSync("openssl", args, { input: csr, encoding: "utf8" });
  return Object.fromEntries(
    stdout
      .split("\n")
      .map((line) => /^\s+(\w+)=(.*)$/.exec(line))
      .flatMap((fields) => (fields === null ? [] : [[fields[1] ?? "", fields[2] ?? ""]])),
  );
}

describe.each(SHELLS.filter(({ present }) => present))("executed by $name", ({ argv }) => {
  it("a subject reaches the certificate request as it is", async () => {
    await fc.assert(
      fc.asyncProperty(attribute, attribute, async (organisation, locality) => {
        const options: BootstrapOptions = {
          iamTokens: [],
          certificate: { subject: { C: "DE", O: organisation, L: locality } },
        };
        const server = servers.makeQuick(options);
        servers.service.reset();
        const { exitCode, stderr } = await server.run(["once"], { shell: argv });
        expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
        const { csr } = JSON.parse(servers.service.calls("certificates")[0]?.body ?? "") as { csr: string };
        expect(subjectOf(csr)).toEqual({ C: "DE", O: organisation, L: locality });
        server.remove();
      }),
      { numRuns: 6 },
    );
  });

  it("the words of a hook reach its program as they are", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(word, { minLength: 1, maxLength: 8 }), async (words) => {
        const program = 'printf "%s\\0" "$@" >"$VPC_IDENTITY_ROOT/words"';
        const options: BootstrapOptions = {
          certificate: false,
          hooks: { exec: [["sh", "-c", program, "sh", ...words]] },
        };
        expect(validateBootstrap(options, "")).toEqual([]);
        const server = servers.make(options);
        servers.service.reset();
        const { exitCode, stderr } = await server.run(["once"], { shell: argv });
        expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
        expect(readFileSync(server.path("/words"), "utf8").split("\0").slice(0, -1)).toEqual(words);
        server.remove();
      }),
      { numRuns: 12 },
    );
  });
});

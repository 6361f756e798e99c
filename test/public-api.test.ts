/**
 * The public API as a list of names: whoever adds, renames or takes away an export changes this list, on purpose. And what
 * must not compile, with the compiler's own word for it.
 */
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as ts from "typescript";

const ROOT = join(__dirname, "..");
const OPTIONS: ts.CompilerOptions = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noEmit: true,
  skipLibCheck: true,
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.Node16,
  moduleResolution: ts.ModuleResolutionKind.Node16,
  types: ["node"],
  typeRoots: [join(ROOT, "node_modules/@types")],
};

describe("the public API", () => {
  it("exports these names, values and types", () => {
    const program = ts.createProgram([join(ROOT, "index.ts")], OPTIONS);
    const checker = program.getTypeChecker();
    const source = program.getSourceFile(join(ROOT, "index.ts"));
    const symbol = source && checker.getSymbolAtLocation(source);
    const names = (symbol === undefined ? [] : checker.getExportsOfModule(symbol)).map((one) => {
      const target = one.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(one) : one;
      return `${target.flags & ts.SymbolFlags.Value ? "value" : "type "} ${one.name}`;
    });
    expect(names.sort().join("\n")).toMatchSnapshot();
  });
});

/** Compiles small programs against index.ts, and returns the first message for each. */
function messagesOf(programs: Record<string, string>): Record<string, string> {
  const folder = mkdtempSync(join(tmpdir(), "public-api-"));
  try {
    symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"), "dir");
    const files = Object.entries(programs).map(([name, text]) => {
      const file = join(folder, `${name.replaceAll(/\W+/g, "-")}.ts`);
      writeFileSync(file, `import * as vpc from ${JSON.stringify(join(ROOT, "index.js"))};\n${text}\n`);
      return [name, file] as const;
    });
    const program = ts.createProgram(
      files.map(([, file]) => file),
      OPTIONS,
    );
    return Object.fromEntries(
      files.map(([name, file]) => {
        const [first] = program.getSemanticDiagnostics(program.getSourceFile(file));
        return [name, first === undefined ? "" : ts.flattenDiagnosticMessageText(first.messageText, "\n")];
      }),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe("types", () => {
  const WRONG: [string, string, RegExp][] = [
    ["a link without its type", 'new vpc.TrustedProfileLink("a", { profileId: "p", link: { crn: "c" } });', /crType/],
    [
      "a link of a type there is not",
      'new vpc.TrustedProfileLink("a", { profileId: "p", crType: "EC2", link: { crn: "c" } });',
      /"EC2"/,
    ],
    [
      "a link to a cluster without a namespace",
      'new vpc.TrustedProfileLink("a", { profileId: "p", crType: "IKS_SA", link: { crn: "c", name: "n" } });',
      /namespace/,
    ],
    [
      "a link to a server with a namespace",
      'new vpc.TrustedProfileLink("a", { profileId: "p", crType: "VSI", link: { crn: "c", namespace: "n" } });',
      /namespace/,
    ],
    [
      "a rule for users without a realm",
      'new vpc.TrustedProfileClaimRule("a", { profileId: "p", type: "Profile-SAML", expirationSeconds: 1, conditions: [] });',
      /realmName/,
    ],
    [
      "a rule for servers with a realm",
      'new vpc.TrustedProfileClaimRule("a", { profileId: "p", type: "Profile-CR", crType: "VSI", realmName: "r", conditions: [] });',
      /realmName|not assignable/,
    ],
    [
      "a list for EQUALS",
      'const c: vpc.ClaimCondition = { claim: "c", operator: "EQUALS", value: ["a"] };',
      /not assignable/,
    ],
    ["a text for IN", 'const c: vpc.ClaimCondition = { claim: "c", operator: "IN", value: "a" };', /not assignable/],
    [
      "accounts of a service ID",
      'new vpc.TrustedProfileIdentity("a", { profileId: "p", type: "serviceid", identifier: "s", accounts: ["a"] });',
      /not assignable/,
    ],
    [
      "a policy for nobody",
      'new vpc.AccessPolicy("a", { roles: ["Viewer"], service: "is" });',
      /not assignable|missing/,
    ],
    [
      "a policy for two",
      'new vpc.AccessPolicy("a", { profileId: "p", serviceId: "s", roles: ["Viewer"], service: "is" });',
      /not assignable/,
    ],
    [
      "a policy on nothing",
      'new vpc.AccessPolicy("a", { profileId: "p", roles: ["Viewer"] });',
      /not assignable|missing/,
    ],
    [
      "a policy on two things",
      'new vpc.AccessPolicy("a", { profileId: "p", roles: ["Viewer"], service: "is", accountManagement: true });',
      /not assignable/,
    ],
    [
      "a rule with a day there is not",
      'const r: vpc.PolicyRuleArgs = { pattern: "time-based-conditions:weekly:all-day", days: ["Mon"] };',
      /"Mon"/,
    ],
    [
      "a rule once without an end",
      'const r: vpc.PolicyRuleArgs = { pattern: "time-based-conditions:once", startsAt: "s" };',
      /endsAt/,
    ],
    ["a key of nobody", 'new vpc.ApiKey("a", {});', /not assignable/],
    ["a stored value of a user", 'new vpc.ApiKey("a", { iamId: "IBMid-1", storeValue: true });', /not assignable/],
    ["a misspelt argument", 'new vpc.ServiceId("a", { descripton: "d" });', /descripton/],
    ["an output written to", 'new vpc.TrustedProfile("a").crn = "c" as never;', /read-only/],
  ];
  const RIGHT = {
    "outputs as inputs": `
      const profile = new vpc.TrustedProfile("a");
      const serviceId = new vpc.ServiceId("a", { locked: true });
      new vpc.TrustedProfileLink("a", { profileId: profile.id, crType: "VSI", link: { crn: profile.crn } });
      new vpc.TrustedProfileClaimRule("a", { profileId: profile.id, type: "Profile-CR", crType: "VSI",
        conditions: [{ claim: "zone", operator: "IN", value: [profile.name] }] });
      new vpc.TrustedProfileIdentity("a", { profileId: profile.id, type: "serviceid", identifier: serviceId.id });
      new vpc.AccessPolicy("a", { serviceId: serviceId.id, roles: ["Viewer"], service: "is", resourceTags: [{ key: "k", value: profile.name }],
        rule: { pattern: "time-based-conditions:weekly:all-day", days: ["monday"] } });
      const value: string | undefined = undefined;
      new vpc.ApiKey("a", { serviceId: serviceId.id, ...(value === undefined ? {} : { value }) });
      vpc.getTrustedProfileOutput({ profileId: profile.id }).crn.apply((crn) => crn.length);`,
  };
  const messages = messagesOf({ ...Object.fromEntries(WRONG.map(([name, text]) => [name, text])), ...RIGHT });

  it.each(WRONG)("refuse %s", (name, _text, expected) => {
    expect(messages[name]).toMatch(expected);
  });

  it("take outputs wherever values go", () => {
    expect(messages["outputs as inputs"]).toBe("");
  });
});

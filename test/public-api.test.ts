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
  const METAL = 'zone: "z", bareMetalServerProfile: "b", initialization: { imageId: "i", sshKeyIds: ["k"] }';
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
    [
      "a server without anything to boot",
      'new vpc.Instance("a", { vpcId: "v", subnetId: "s", zone: "z", instanceProfile: "p" });',
      /not assignable/,
    ],
    [
      "a server of an image and of a snapshot",
      'new vpc.Instance("a", { vpcId: "v", subnetId: "s", zone: "z", instanceProfile: "p", imageId: "i", sourceSnapshotId: "n" });',
      /not assignable/,
    ],
    [
      "a server that is connected in two ways",
      'new vpc.Instance("a", { sourceTemplateId: "t", subnetId: "s", virtualNetworkInterfaceId: "n" });',
      /not assignable/,
    ],
    [
      "security groups of an interface that exists",
      'new vpc.Instance("a", { sourceTemplateId: "t", virtualNetworkInterfaceId: "n", securityGroupIds: ["g"] });',
      /not assignable/,
    ],
    [
      "a subnet of a number of addresses and a range",
      'new vpc.Subnet("a", { vpcId: "v", zone: "z", totalIpv4AddressCount: 8, ipv4CidrBlock: "10.0.0.0/24" });',
      /not assignable/,
    ],
    ["a subnet of no size", 'new vpc.Subnet("a", { vpcId: "v", zone: "z" });', /not assignable|missing/],
    [
      "a number of addresses in no zone",
      'new vpc.Subnet("a", { vpcId: "v", totalIpv4AddressCount: 8 });',
      /not assignable|zone/,
    ],
    [
      "a floating IP in a zone and of a server",
      'new vpc.FloatingIp("a", { zone: "z", instanceId: "i" });',
      /not assignable/,
    ],
    [
      "a floating IP of two things",
      'new vpc.FloatingIp("a", { instanceId: "i", virtualNetworkInterfaceId: "n" });',
      /not assignable/,
    ],
    ["a floating IP of nothing", 'new vpc.FloatingIp("a", {});', /not assignable|missing/],
    ["a key without its content", 'new vpc.SshKey("a", { name: "k" });', /publicKey/],
    ["a VPC whose prefixes come from nowhere", 'new vpc.Vpc("a", { addressPrefixManagement: "none" });', /"none"/],
    [
      "a template that is connected in two ways",
      'new vpc.InstanceTemplate("a", { vpcId: "v", zone: "z", imageId: "i", instanceProfile: "p", subnetId: "s", primaryNetworkInterface: { subnetId: "s" } });',
      /not assignable/,
    ],
    [
      "a template that is not connected",
      'new vpc.InstanceTemplate("a", { vpcId: "v", zone: "z", imageId: "i", instanceProfile: "p" });',
      /not assignable/,
    ],
    [
      "a template with tags",
      'new vpc.InstanceTemplate("a", { vpcId: "v", zone: "z", imageId: "i", instanceProfile: "p", subnetId: "s", tags: ["t"] });',
      /tags|not assignable/,
    ],
    [
      "a bare metal server with a hop limit",
      `new vpc.BareMetalServer("a", { ${METAL}, subnetId: "s", metadataService: { responseHopLimit: 2 } });`,
      /responseHopLimit|not assignable/,
    ],
    [
      "a bare metal server that is connected in two ways",
      `new vpc.BareMetalServer("a", { ${METAL}, subnetId: "s", virtualNetworkInterfaceId: "n" });`,
      /not assignable/,
    ],
    [
      "address translation of an interface that exists",
      `new vpc.BareMetalServer("a", { ${METAL}, virtualNetworkInterfaceId: "n", enableInfrastructureNat: false });`,
      /not assignable/,
    ],
    [
      "a virtual server without address translation",
      'new vpc.Instance("a", { sourceTemplateId: "t", subnetId: "s", enableInfrastructureNat: false });',
      /enableInfrastructureNat|not assignable/,
    ],
    ["a group without its template", 'new vpc.InstanceGroup("a", { subnetIds: ["s"] });', /instanceTemplateId/],
    ["a profile of an unknown kind of argument", 'new vpc.TrustedProfile("a", { tags: ["a"] });', /tags/],
    ["a profile with a number for a name", 'new vpc.TrustedProfile("a", { name: 1 });', /not assignable/],
    [
      "a link to a component of a server",
      'new vpc.TrustedProfileLink("a", { profileId: "p", crType: "CE", link: { crn: "c", namespace: "n" } });',
      /not assignable/,
    ],
    [
      "a change of what a link only tells",
      'new vpc.TrustedProfileLink("a", { profileId: "p", crType: "VSI", link: { crn: "c" } }).crType = "BMS" as never;',
      /read-only/,
    ],
    [
      "an operator there is not",
      'const c: vpc.ClaimCondition = { claim: "c", operator: "LIKE", value: "a" };',
      /"LIKE"/,
    ],
    [
      "a rule of a type there is not",
      'new vpc.TrustedProfileClaimRule("a", { profileId: "p", type: "Profile-OIDC", conditions: [] });',
      /"Profile-OIDC"|not assignable/,
    ],
    [
      "a rule for servers without their type",
      'new vpc.TrustedProfileClaimRule("a", { profileId: "p", type: "Profile-CR", conditions: [] });',
      /crType/,
    ],
    [
      "a rule without conditions",
      'new vpc.TrustedProfileClaimRule("a", { profileId: "p", type: "Profile-CR", crType: "VSI" });',
      /conditions/,
    ],
    [
      "an identity of a type there is not",
      'new vpc.TrustedProfileIdentity("a", { profileId: "p", type: "group", identifier: "g" });',
      /"group"/,
    ],
    ["an identity of nobody", 'new vpc.TrustedProfileIdentity("a", { profileId: "p", type: "user" });', /identifier/],
    ["a policy without roles", 'new vpc.AccessPolicy("a", { profileId: "p", service: "is" });', /roles/],
    [
      "a tag compared in a way there is not",
      'new vpc.AccessPolicy("a", { profileId: "p", roles: ["Viewer"], service: "is", resourceTags: [{ key: "k", value: "v", operator: "stringExists" }] });',
      /not assignable/,
    ],
    [
      "a policy whose API version is chosen",
      'const v: "v3" = {} as typeof vpc.AccessPolicy.prototype.apiVersion extends import("@pulumi/pulumi").Output<infer T> ? T : never;',
      /not assignable/,
    ],
    ["a lock that is a text", 'new vpc.ServiceId("a", { locked: "yes" });', /not assignable/],
    ["a service ID for one instance", 'new vpc.ServiceId("a", { uniqueInstanceCrns: "crn" });', /not assignable/],
    ["a key for two", 'new vpc.ApiKey("a", { serviceId: "s", iamId: "IBMid-1" });', /not assignable/],
    ["a key that burns when it leaks", 'new vpc.ApiKey("a", { serviceId: "s", actionWhenLeaked: "burn" });', /"burn"/],
    [
      "what a leaked key does, by a word there is not",
      'vpc.ApiKey.get("a", "ApiKey-1").actionWhenLeaked.apply((action) => action === "burn");',
      /no overlap/,
    ],
    ["a look-up of a profile by a number", "void vpc.getTrustedProfile({ profileId: 1 });", /not assignable/],
    ["a look-up of the rules of no profile", "void vpc.getTrustedProfileClaimRules({});", /profileId/],
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
      new vpc.Instance("a", { sourceTemplateId: profile.id });
      new vpc.Instance("b", { vpcId: "v", zone: "z", instanceProfile: "p", sourceSnapshotId: profile.id, virtualNetworkInterfaceId: profile.id, tags: [profile.name] });
      new vpc.InstanceTemplate("a", { vpcId: "v", zone: "z", imageId: "i", instanceProfile: "p", primaryNetworkInterface: { subnetId: profile.id } });
      new vpc.BareMetalServer("a", { ${METAL}, subnetId: profile.id, enableInfrastructureNat: false,
        networkAttachments: [{ subnetId: profile.id, enableInfrastructureNat: false }, { virtualNetworkInterfaceId: profile.id }] });
      new vpc.BareMetalServer("b", { ${METAL}, primaryNetworkInterface: { subnetId: profile.id }, networkInterfaces: [{ subnetId: profile.id }] });
      new vpc.FloatingIp("a", { instanceId: profile.id });
      new vpc.Subnet("a", { vpcId: profile.id, ipv4CidrBlock: profile.name });
      new vpc.InstanceMetadataService("a", { instanceId: profile.id, onDelete: "leave" });
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

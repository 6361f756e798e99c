/** The constant that stands in the state in place of code, and the way from it to a handler. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import handlerOf from "../../provider/dynamic";
import { providerStub, typeToken } from "../../provider/stub";

const TYPES = [
  "StackSeed",
  "TrustedProfile",
  "TrustedProfileLink",
  "TrustedProfileClaimRule",
  "TrustedProfileIdentity",
  "AccessPolicy",
  "ServiceId",
  "ApiKey",
  "Instance",
  "InstanceMetadataRecord",
  "InstanceMetadataService",
  "InstanceTemplate",
  "InstanceGroup",
  "BareMetalServer",
  "Vpc",
  "Subnet",
  "SshKey",
  "FloatingIp",
];

describe("stub", () => {
  it("is what states written by earlier versions hold", () => {
    expect(providerStub("TrustedProfile")).toBe(
      'exports.handler=()=>require("pulumi-ibm-vpc-identity/dynamic")("TrustedProfile")',
    );
    expect(typeToken("TrustedProfile")).toBe("pulumi-nodejs:dynamic/vpc-identity:TrustedProfile");
  });

  it.each(TYPES)("has at most 120 bytes for %s", (type) => {
    expect(Buffer.byteLength(providerStub(type))).toBeLessThanOrEqual(120);
  });

  it("loads as Pulumi's dynamic provider loads it, from the folder of a program", () => {
    const script = `
      const load = require(require.resolve("require-from-string", { paths: [require.resolve("@pulumi/pulumi")] }));
      const provider = load(${JSON.stringify(providerStub("TrustedProfile"))}).handler();
      process.stdout.write(Object.keys(provider).sort().join());
    `;
    const cwd = join(__dirname, "../../examples/linked-instance");
    const methods = execFileSync(process.execPath, ["-e", script], { cwd, encoding: "utf8" });
    expect(methods).toBe("check,configure,create,delete,diff,read,update");
  });
});

describe("registry", () => {
  it.each(TYPES)("finds the handler of %s", (type) => {
    expect(typeof handlerOf(type).create).toBe("function");
  });

  it.each(["Nothing", "toString", "__proto__"])("names what it knows when asked for %s", (type) => {
    expect(() => handlerOf(type)).toThrow(
      `this version of pulumi-ibm-vpc-identity knows no resource type "${type}", so the state was written by a newer ` +
        `one: install that or a later version. Known here: ${TYPES.join(", ")}.`,
    );
  });
});

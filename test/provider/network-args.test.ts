/** Arguments of VPCs, subnets, SSH keys and floating IPs: what is refused, and what a change of each means. */
import type { dynamic } from "@pulumi/pulumi";
import { createVpc } from "../../client/vpc-networks";
import { handler as floatingIp } from "../../provider/floating-ip";
import { handler as sshKey } from "../../provider/ssh-key";
import { handler as subnet } from "../../provider/subnet";
import { handler as vpc } from "../../provider/vpc";
import { type Cloud, Life, startCloud } from "./cloud";
import { ED25519_KEY, ed25519Key, rsaKey } from "./public-keys";

type Args = Record<string, unknown>;

const ZONE = "us-south-1";

let cloud: Cloud;
let vpcId: string;
beforeEach(async () => {
  cloud = await startCloud({ seed: { network: false } });
  vpcId = (await createVpc(cloud.elsewhere, { name: "shared" })).id;
});
afterEach(() => cloud.close());
const sized = (): Args => ({ vpcId, zone: ZONE, totalIpv4AddressCount: 16 });

const problemsOf = async (handler: unknown, args: Args): Promise<string[]> => {
  const { failures = [] } = await new Life(handler as dynamic.ResourceProvider).check(args);
  return failures.map(({ property, reason }) => `${property}: ${reason}`);
};

describe("check", () => {
  it.each<[string, unknown, Args, string[]]>([
    [
      "a VPC",
      vpc,
      { name: "Shop", addressPrefixManagement: "none", resourceGroupId: "a b", vpc: 1 },
      [
        'name: is "Shop"; must be 1 to 63 lower case letters, digits and hyphens, beginning with a letter and not ending with a hyphen',
        'addressPrefixManagement: is "none"; must be one of "auto", "manual"',
        'resourceGroupId: is "a b"; must be the id of a resource group',
        "vpc: is not an argument. Allowed: name, resourceGroupId, adopt, addressPrefixManagement",
      ],
    ],
    [
      "a subnet of nothing",
      subnet,
      {},
      ["vpcId: is missing; it is required", expect.stringContaining("exactly one of")],
    ],
    [
      "a subnet without a zone",
      subnet,
      { vpcId: "v", totalIpv4AddressCount: 12 },
      [
        "totalIpv4AddressCount: is 12; must be a power of 2 from 8 to 8388608",
        'zone: is missing; it is required beside "totalIpv4AddressCount"',
      ],
    ],
    [
      "a subnet of two kinds",
      subnet,
      { vpcId: "v", zone: ZONE, totalIpv4AddressCount: 8, ipv4CidrBlock: "10.0.0.1/24" },
      [
        'ipv4CidrBlock: is "10.0.0.1/24"; must be an IPv4 network from /9 to /29 such as "10.240.0.0/24"',
        'ipv4CidrBlock: exactly one of "totalIpv4AddressCount" and "ipv4CidrBlock" is allowed; "totalIpv4AddressCount" and "ipv4CidrBlock" are given',
      ],
    ],
    ["a floating IP nowhere", floatingIp, {}, [expect.stringContaining("none is given") as string]],
    [
      "a floating IP at two places",
      floatingIp,
      { zone: ZONE, instanceId: "i" },
      [expect.stringContaining('"zone" and "instanceId" are given') as string],
    ],
  ])("lists every problem of %s", async (_name, handler, args, expected) => {
    expect(await problemsOf(handler, args)).toEqual(expected);
  });

  it.each(["10.0.0.0/8", "10.0.0.0/30", "10.0.0.256/24", "10.0.0.0", "fd00::/64", 7])(
    "refuses the range %s",
    async (cidr) => {
      expect(await problemsOf(subnet, { vpcId: "v", ipv4CidrBlock: cidr })).toHaveLength(1);
    },
  );

  const PRIVATE_KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ\n-----END";
  it.each<[string, unknown, string]>([
    ["a private key", PRIVATE_KEY, "is a private key, which must never leave your machine"],
    ["an RSA key of 3072 bits", rsaKey(3072), "is an RSA key of 3072 bits"],
    [
      "a key of another type",
      `ssh-dss ${Buffer.from("\0\0\0\x07ssh-dss").toString("base64")}`,
      'is a key of type "ssh-dss"',
    ],
    ["a key that is cut", ED25519_KEY.slice(0, 40), "is an ED25519 key that is cut"],
    ["a key whose type is not the one inside", ED25519_KEY.replace("ssh-ed25519", "ssh-rsa"), "is not a public key"],
    ["a word", "key", "is not a public key as OpenSSH writes it"],
    ["a number", 7, "is number"],
  ])("refuses %s without showing it", async (_name, publicKey, reason) => {
    const [problem = "", ...more] = await problemsOf(sshKey, { publicKey });
    expect([problem.startsWith(`publicKey: ${reason}`), more]).toEqual([true, []]);
    expect(problem).toMatch(
      /; must be a public key as in ~\/\.ssh\/id_ed25519\.pub: ED25519, or RSA of 2048 or 4096 bits$/,
    );
    expect(problem).not.toContain("b3BlbnNzaC1r");
  });

  it.each([2048, 4096])("takes an RSA key of %d bits", async (bits) => {
    const life = await new Life(sshKey as never).create({ publicKey: rsaKey(bits) });
    expect(life.outputs).toMatchObject({ type: "rsa", length: bits });
  });
});

describe("a change of an argument", () => {
  it.each<[string, unknown, () => Args, () => Args, string[]]>([
    [
      "another way of address prefixes",
      vpc,
      () => ({}),
      () => ({ addressPrefixManagement: "manual" }),
      ["addressPrefixManagement"],
    ],
    ["the default said out loud", vpc, () => ({}), () => ({ addressPrefixManagement: "auto" }), []],
    [
      "another size",
      subnet,
      sized,
      () => ({ vpcId, zone: ZONE, totalIpv4AddressCount: 32 }),
      ["totalIpv4AddressCount"],
    ],
    ["another zone", subnet, sized, () => ({ vpcId, zone: "us-south-2", totalIpv4AddressCount: 16 }), ["zone"]],
    ["another VPC", subnet, sized, () => ({ vpcId: "r006-other", zone: ZONE, totalIpv4AddressCount: 16 }), ["vpcId"]],
    [
      "another range",
      subnet,
      () => ({ vpcId, ipv4CidrBlock: "10.240.1.0/24" }),
      () => ({ vpcId, ipv4CidrBlock: "10.240.2.0/24" }),
      ["ipv4CidrBlock"],
    ],
    [
      "the VPC by CRN",
      subnet,
      sized,
      () => ({ vpcId: `crn:v1:bluemix:public:is:us-south:a/1::vpc:${vpcId}`, zone: ZONE, totalIpv4AddressCount: 16 }),
      [],
    ],
    [
      "another key",
      sshKey,
      () => ({ publicKey: ED25519_KEY }),
      () => ({ publicKey: ed25519Key("two") }),
      ["publicKey"],
    ],
    [
      "another comment",
      sshKey,
      () => ({ publicKey: ED25519_KEY }),
      () => ({ publicKey: `${ED25519_KEY} you@laptop` }),
      [],
    ],
    ["another zone of an address", floatingIp, () => ({ zone: ZONE }), () => ({ zone: "us-south-2" }), ["zone"]],
  ])("%s", async (_name, handler, before, after, expected) => {
    const life = await new Life(handler as never).create(before());
    const { changes, replaces } = await life.diff(after());
    expect([changes, replaces]).toEqual([expected.length > 0, expected]);
  });
});

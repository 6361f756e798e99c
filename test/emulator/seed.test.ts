/** What an emulator may start with: every problem of a seed is named, and a good one is followed to the letter. */
import { problemsOfSeed, startEmulator, type NetworkSeed } from "../../emulator";

const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH";
const subnet = { name: "one", vpc: "emulator-vpc", zone: "us-south-1" };
const at = "seed.network";

describe("problems", () => {
  it.each<[string, unknown, string[]]>([
    ["nothing given", undefined, []],
    ["an empty seed", {}, []],
    ["no network", { network: false }, []],
    ["no object", "us-south", ['seed is "us-south"; must be an object']],
    ["null", null, ["seed is null; must be an object"]],
    [
      "an unknown field",
      { zone: 1 },
      ["seed.zone is unknown; allowed: accountId, region, apiKey, issuedLifetimes, network"],
    ],
    ["a short key, which is not shown", { apiKey: "abc" }, ["seed.apiKey must have at least 32 characters"]],
    ["a key that is no text", { apiKey: 1 }, ["seed.apiKey must have at least 32 characters"]],
    [
      "lives out of range",
      { issuedLifetimes: { identityToken: 0, iamToken: 3601, certificate: 1.5, cookie: 1 } },
      [
        "seed.issuedLifetimes.cookie is unknown; allowed: identityToken, iamToken, certificate",
        "seed.issuedLifetimes.identityToken is 0; must be a whole number of seconds from 1 to 3600",
        "seed.issuedLifetimes.iamToken is 3601; must be a whole number of seconds from 1 to 3600",
        "seed.issuedLifetimes.certificate is 1.5; must be a whole number of seconds from 1 to 3600",
      ],
    ],
    ["true as network", { network: true }, [`${at} is true; must be an object`]],
    [
      "VPCs",
      { network: { vpcs: [{ name: "My-VPC" }, { name: "same" }, { name: "same" }, {}, 5] } },
      [
        `${at}.vpcs[4] is 5; must be an object`,
        `${at}.vpcs[0].name is "My-VPC"; must be 1 to 63 lowercase letters, digits and hyphens, beginning with a letter`,
        `${at}.vpcs[2].name is "same"; must be unique`,
        `${at}.vpcs[3].name is required`,
      ],
    ],
    [
      "a subnet without anything",
      { network: { subnets: [{}] } },
      [`${at}.subnets[0].name is required`, `${at}.subnets[0].vpc is required`, `${at}.subnets[0].zone is required`],
    ],
    [
      "subnets in the wrong place",
      { region: "eu-de", network: { vpcs: [{ name: "mine" }], subnets: [subnet] } },
      [
        `${at}.subnets[0].vpc is "emulator-vpc"; must be one of mine`,
        `${at}.subnets[0].zone is "us-south-1"; must be one of eu-de-1, eu-de-2, eu-de-3`,
      ],
    ],
    [
      "subnets that overlap or have no size",
      {
        network: {
          subnets: [
            { ...subnet, cidr: "10.240.0.0/24" },
            { ...subnet, name: "two", cidr: "10.240.0.128/25" },
            { ...subnet, name: "three", cidr: "10.240.0.1/24" },
            { ...subnet, name: "four", cidr: "10.240.1.0/30", addresses: 100 },
          ],
        },
      },
      [
        `${at}.subnets[1].cidr is "10.240.0.128/25"; must not overlap another subnet of the VPC`,
        `${at}.subnets[2].cidr is "10.240.0.1/24"; must be an IPv4 network of size /9 to /29, such as 10.240.0.0/24`,
        `${at}.subnets[3] has cidr and addresses; only one of them is allowed`,
        `${at}.subnets[3].addresses is 100; must be a power of 2 from 8 to 8388608`,
        `${at}.subnets[3].cidr is "10.240.1.0/30"; must be an IPv4 network of size /9 to /29, such as 10.240.0.0/24`,
      ],
    ],
    [
      "images and keys",
      {
        network: {
          images: [{ name: "plan9", operatingSystem: "plan-9" }, { name: "none" }],
          keys: [
            { name: "a", publicKey: KEY },
            { name: "b", publicKey: `${KEY} the same` },
            { name: "c", publicKey: "ssh-dss AAAA" },
            { name: "d" },
          ],
        },
      },
      [
        `${at}.images[0].operatingSystem is "plan-9"; must be one of ubuntu-24-04-amd64, debian-12-amd64, red-9-amd64, windows-2022-amd64`,
        `${at}.images[1].operatingSystem is required`,
        `${at}.keys[3].publicKey is required`,
        `${at}.keys[1].publicKey is the content of another key`,
        `${at}.keys[2].publicKey must be an OpenSSH RSA 2048 or 4096 or ED25519 key`,
      ],
    ],
  ])("%s", (_name, seed, problems) => {
    expect(problemsOfSeed(seed).sort()).toEqual([...problems].sort());
  });
});

it.each<[string, NetworkSeed, string]>([
  [
    "a network that reaches into the prefix of another zone",
    { subnets: [{ ...subnet, cidr: "10.240.64.0/24" }] },
    "10.240.64.0/24 of 'one' overlaps the address prefixes 10.240.64.0/18 of us-south-2",
  ],
  [
    "more addresses than a zone has",
    { subnets: [{ ...subnet, addresses: 2 ** 15 }] },
    "us-south-1 has no room for 'one'",
  ],
])("refuses %s", async (_name, network, message) => {
  await expect(startEmulator({ seed: { network } })).rejects.toThrow(message);
});

it("replaces only the lists that are given, with the same ids in every start, and comes back to them", async () => {
  const network: NetworkSeed = {
    vpcs: [{ name: "mine" }],
    images: [{ name: "golden", operatingSystem: "debian-12-amd64" }],
  };
  const first = await startEmulator({ seed: { network } });
  const second = await startEmulator({ seed: { network } });
  try {
    const { vpcs, subnets, images, keys } = first.inventory();
    const names = [vpcs, subnets, images, keys].map((rows) => rows.map((row) => row.name));
    const default3 = ["emulator-subnet-1", "emulator-subnet-2", "emulator-subnet-3"];
    expect(names).toEqual([["mine"], default3, ["golden"], ["emulator-key"]]);
    const idsOf = (rows: readonly { id?: unknown }[]): unknown[] => rows.map((row) => row.id);
    expect(idsOf(second.inventory().subnets)).toEqual(idsOf(subnets));
    await second.reset();
    expect(idsOf(second.inventory().vpcs)).toEqual(idsOf(vpcs));
    expect(second.inventory().images.map((row) => row.name)).toEqual(["golden"]);
  } finally {
    await Promise.all([first.close(), second.close()]);
  }
});

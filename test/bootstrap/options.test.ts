import { validateBootstrap } from "../../bootstrap";

const PROFILE = "Profile-6d3cbb1e-ae8c-4d0e-a95d-2e6a5c1d1f2a";
const CRN = `crn:v1:bluemix:public:iam-identity::a/0123456789abcdef0123456789abcdef::profile:${PROFILE}`;

const good: { name: string; options: unknown }[] = [
  { name: "nothing", options: {} },
  { name: "no certificate and no token", options: { certificate: false, iamTokens: [], renewal: false } },
  {
    name: "profiles by id and by CRN",
    options: {
      iamTokens: [
        { name: "a", profileId: PROFILE },
        { name: "b-1.c_d", profileCrn: CRN },
      ],
    },
  },
  {
    name: "every attribute of a subject",
    options: { certificate: { subject: { C: "DE", ST: "Böblingen", L: "x", O: 'A & B, "C"', OU: "#1" } } },
  },
  {
    name: "values that are not known yet",
    options: { iamTokens: [{ name: "a", profileId: Promise.resolve(PROFILE) }] },
  },
  {
    name: "limits",
    options: {
      identityTokenSeconds: 5,
      firstBootSeconds: 0,
      retrySeconds: 3600,
      certificate: { expiresInSeconds: 300, keySize: 4096 },
    },
  },
  {
    name: "null for whatever is left out",
    options: { certificate: null, hooks: null, renewal: { checkEverySeconds: null } },
  },
  {
    name: "a credentials file of the default token",
    options: { credentialFiles: [{ token: "default", services: ["VPC"] }] },
  },
  {
    name: "a look as late as it can be",
    options: { certificate: { expiresInSeconds: 300 }, renewal: { checkEverySeconds: 92 } },
  },
  {
    name: "a look as late as tokens allow",
    options: { certificate: false, renewal: { checkEverySeconds: 654 } },
  },
  { name: "the latest look there is, without tokens", options: { iamTokens: [], renewal: { checkEverySeconds: 900 } } },
];

const bad: { name: string; options: unknown; problems: [property: string, reason: RegExp][] }[] = [
  {
    name: "a common name",
    options: { certificate: { subject: { CN: "x" } } },
    problems: [
      ["b.certificate.subject.CN", /the service sets the common name/],
      ["b.certificate.subject", /at least one of C, ST, L, O, OU/],
    ],
  },
  {
    name: "an empty subject",
    options: { certificate: { subject: {} } },
    problems: [["b.certificate.subject", /at least one/]],
  },
  {
    name: "attributes out of shape",
    options: { certificate: { subject: { C: "de", O: " x", OU: "a\nb", L: "x".repeat(129) } } },
    problems: [
      ["b.certificate.subject.C", /is "de"; must be a country of two capital letters/],
      ["b.certificate.subject.O", /without spaces at its ends/],
      ["b.certificate.subject.OU", /without control characters/],
      ["b.certificate.subject.L", /1 to 128 characters/],
    ],
  },
  {
    name: "misspelt arguments at every level",
    options: { iamToken: [], certificate: { keysize: 2048 }, renewal: { percent: 1 } },
    problems: [
      ["b.iamToken", /did you mean "iamTokens"/],
      ["b.certificate.keysize", /did you mean "keySize"/],
      ["b.renewal.percent", /is not an argument/],
    ],
  },
  {
    name: "id and CRN together",
    options: { iamTokens: [{ name: "a", profileId: PROFILE, profileCrn: CRN }] },
    problems: [["b.iamTokens[0].profileCrn", /at most one of "profileId" and "profileCrn"/]],
  },
  {
    name: "a token without a name, one twice, one that leaves the folder",
    options: { iamTokens: [{}, { name: "a" }, { name: "a" }, { name: "../a" }] },
    problems: [
      ["b.iamTokens[0].name", /is missing/],
      ["b.iamTokens[3].name", /letter or digit at both ends/],
      ["b.iamTokens[2].name", /is "a" again/],
    ],
  },
  {
    name: "a CRN that could end a JSON text",
    options: { iamTokens: [{ name: "a", profileCrn: `${CRN}"}` }] },
    problems: [["b.iamTokens[0].profileCrn", /the CRN of a trusted profile/]],
  },
  {
    name: "ranges",
    options: {
      identityTokenSeconds: 4,
      firstBootSeconds: -1,
      retrySeconds: 1.5,
      certificate: { keySize: 3072, expiresInSeconds: 299 },
    },
    problems: [
      ["b.identityTokenSeconds", /from 5 to 3600 seconds/],
      ["b.firstBootSeconds", /from 0 to 3600/],
      ["b.retrySeconds", /whole number/],
      ["b.certificate.keySize", /is 3072; must be 2048 or 4096/],
      ["b.certificate.expiresInSeconds", /from 300 to 3600/],
    ],
  },
  {
    name: "versions before the first",
    options: { apiVersion: "2022-02-28" },
    problems: [["b.apiVersion", /2022-03-01 or later/]],
  },
  {
    name: "roots that are no certificates",
    options: { trustRootsPem: "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n" },
    problems: [["b.trustRootsPem", /PEM certificates/]],
  },
  {
    name: "what only root can do, of a user who is not",
    options: {
      user: "svc",
      files: {},
      strongswan: {},
      metricsFile: "/a.prom",
      hooks: { reload: ["x"] },
      renewal: false,
    },
    problems: [
      ["b.files", /needs root; leave it or user out/],
      ["b.strongswan", /needs root/],
      ["b.metricsFile", /needs root/],
      ["b.hooks.reload", /needs root/],
      ["b.user", /needs the service of systemd, which renewal: false leaves out/],
    ],
  },
  {
    name: "protocol, maturity and group",
    options: { protocol: "tcp", maturity: "alpha", group: "a b" },
    problems: [
      ["b.protocol", /must be one of "http", "https"/],
      ["b.maturity", /must be one of "beta"/],
      ["b.group", /a group name/],
    ],
  },
  {
    name: "a credentials file of a token that there is not, and two of one",
    options: {
      iamTokens: [{ name: "a" }],
      credentialFiles: [
        { token: "default", services: ["VPC"] },
        { token: "a", services: ["VPC"] },
        { token: "a", services: ["IAM"] },
      ],
    },
    problems: [
      ["b.credentialFiles[0].token", /is "default"; must be the name of a token, and iamTokens has "a"/],
      ["b.credentialFiles[2].token", /is "a" again; a token has one file/],
    ],
  },
  {
    name: "a certificate that expires before anyone looks",
    options: { certificate: { expiresInSeconds: 300 }, renewal: { checkEverySeconds: 93 } },
    problems: [["b.renewal.checkEverySeconds", /is 93; must be at most 92, because a certificate of 300 seconds/]],
  },
  {
    name: "a token that expires before anyone looks",
    options: { certificate: false, renewal: { checkEverySeconds: 655 } },
    problems: [["b.renewal.checkEverySeconds", /is 655; must be at most 654, because an IAM token of 3600 seconds/]],
  },
  {
    name: "a token that is due late, and a certificate that is not",
    options: { renewal: { iamTokenPercent: 90, checkEverySeconds: 900 } },
    problems: [["b.renewal.checkEverySeconds", /at most 327, because an IAM token .* is due at 90 percent/]],
  },
  {
    name: "entries that are not there, and a subject of nothing",
    options: { iamTokens: [null], hooks: { exec: [[undefined]] }, certificate: { subject: { O: null } } },
    problems: [
      ["b.iamTokens[0]", /is missing; leave the entry out/],
      ["b.hooks.exec[0][0]", /is missing/],
      ["b.certificate.subject", /at least one of/],
    ],
  },
  { name: "a text in place of options", options: "default", problems: [["b", /must be an object/]] },
];

describe("validateBootstrap", () => {
  it.each(good)("accepts $name", ({ options }) => {
    expect(validateBootstrap(options, "b")).toEqual([]);
  });

  it.each(bad)("lists every problem of $name", ({ options, problems }) => {
    const seen = validateBootstrap(options, "b");
    const order = (properties: string[]): string[] => [...properties].sort();
    expect(order(seen.map(({ property }) => property))).toEqual(order(problems.map(([property]) => property)));
    for (const [property, reason] of problems) {
      expect(seen.find((problem) => problem.property === property)?.reason).toMatch(reason);
    }
  });
});

/** Where settings and credentials are found, in which order, and what is refused. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CR_TOKEN_FILES, METADATA_ENDPOINT } from "../../client/credentials";
import { readSettings, type Settings } from "../../client/settings";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "vpc-identity-settings-"));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

type Texts = Record<string, string>;

function read(config: Texts, env: Texts = {}, file?: string): Settings {
  let variables: NodeJS.ProcessEnv = { HOME: folder, ...env };
  if (file !== undefined) {
    const path = join(folder, "credentials-of-the-test.env");
    writeFileSync(path, file);
    variables = { ...variables, IBM_CREDENTIALS_FILE: path };
  }
  return readSettings((key) => config[key], variables);
}

function refusal(config: Texts, env: Texts = {}): { code: string; message: string } {
  try {
    read(config, env);
  } catch (error) {
    return error as { code: string; message: string };
  }
  throw new Error("the settings were accepted");
}

const KEY = { apiKey: "0123456789-0123456789-0123456789" };

describe("which credential comes first", () => {
  const everything = { IC_API_KEY: "terraform-0", IBMCLOUD_API_KEY: "terraform-1", IAM_IDENTITY_APIKEY: "sdk-0" };
  const table: { name: string; config?: Texts; env?: Texts; file?: string; first: unknown; from: string }[] = [
    {
      name: "stack config before all",
      config: { apiKey: "from-config" },
      env: everything,
      first: { kind: "apiKey", apiKey: "from-config" },
      from: "stack config vpc-identity:apiKey",
    },
    {
      name: "an empty text is not set",
      config: { apiKey: "" },
      env: { ...everything, IC_API_KEY: "" },
      first: { kind: "apiKey", apiKey: "terraform-1" },
      from: "environment variable IBMCLOUD_API_KEY",
    },
    {
      name: "Terraform's names before the SDK's",
      env: everything,
      first: { kind: "apiKey", apiKey: "terraform-0" },
      from: "environment variable IC_API_KEY",
    },
    {
      name: "Terraform's token before the command line's",
      env: { IBMCLOUD_IAM_TOKEN: "Bearer abc", IBMCLOUD_CR_TOKEN: "cr", IBMCLOUD_CR_PROFILE: "Profile-1" },
      first: { kind: "iamToken", token: "Bearer abc" },
      from: "environment variable IBMCLOUD_IAM_TOKEN",
    },
    {
      name: "the command line's before the SDK's",
      env: { IBMCLOUD_CR_TOKEN: "@/run/token", IBMCLOUD_CR_PROFILE: "web", VPC_APIKEY: "sdk" },
      first: { kind: "crToken", crToken: { files: ["/run/token"] }, profile: { by: "name", value: "web" } },
      from: "environment variable IBMCLOUD_CR_TOKEN",
    },
    {
      name: "environment before the credentials file",
      env: { VPC_APIKEY: "env" },
      file: "IAM_IDENTITY_APIKEY=file",
      first: { kind: "apiKey", apiKey: "env" },
      from: "environment variable VPC_APIKEY",
    },
    {
      name: "the credentials file last",
      file: '# comment\nexport IAM_IDENTITY_APIKEY="of the file"\n',
      first: { kind: "apiKey", apiKey: "of the file" },
      from: "IAM_IDENTITY_APIKEY in ",
    },
  ];

  it.each(table)("$name", ({ config = {}, env = {}, file, first, from }) => {
    const [candidate] = read(config, env, file).credentials;
    expect(candidate.credential).toMatchObject(first as object);
    expect(candidate.from).toContain(from);
  });

  it("keeps the others as a way out", () => {
    const { credentials } = read({ apiKey: "stale" }, { IBMCLOUD_API_KEY: "good" }, "VPC_APIKEY=last");
    expect(credentials.map(({ origin }) => origin)).toEqual(["config", "environment", "file"]);
  });
});

it("the credentials file may lie in the home folder", () => {
  const home = mkdtempSync(join(folder, "home-"));
  writeFileSync(join(home, "ibm-credentials.env"), "VPC_APIKEY=at-home\n");
  expect(read({}, { HOME: home }).credentials[0]).toMatchObject({ origin: "file", credential: { apiKey: "at-home" } });
});

describe("the five kinds", () => {
  const profile = { by: "id", value: "Profile-1" };
  const table: { name: string; config?: Texts; env?: Texts; expected: unknown }[] = [
    { name: "API key", config: { apiKey: "k" }, expected: { kind: "apiKey", apiKey: "k" } },
    { name: "IAM token", config: { iamToken: "t" }, expected: { kind: "iamToken", token: "t" } },
    {
      name: "assume with an API key of the environment",
      config: { profileId: "Profile-1" },
      env: { IC_API_KEY: "k" },
      expected: { kind: "apiKey", apiKey: "k", profile },
    },
    {
      name: "assume by name in an account",
      env: { IC_API_KEY: "k", IC_IAM_PROFILE_NAME: "web", IC_ACCOUNT_ID: "acc" },
      expected: { kind: "apiKey", profile: { by: "name", value: "web" } },
    },
    {
      name: "assume in the SDK's way",
      env: { IAM_IDENTITY_AUTH_TYPE: "iamAssume", IAM_IDENTITY_APIKEY: "k", IAM_IDENTITY_IAM_PROFILE_ID: "Profile-1" },
      expected: { kind: "apiKey", profile },
    },
    {
      name: "the SDK's API key ignores a profile unless it is told to assume it",
      env: { IAM_IDENTITY_APIKEY: "k", IAM_IDENTITY_IAM_PROFILE_ID: "Profile-1" },
      expected: { kind: "apiKey", profile: undefined },
    },
    {
      name: "token file",
      config: { crTokenFile: "/run/t", profileCrn: "crn:p" },
      expected: { kind: "crToken", crToken: { files: ["/run/t"] }, profile: { by: "crn", value: "crn:p" } },
    },
    {
      name: "token files where the platform puts them",
      env: { VPC_AUTH_TYPE: "container", VPC_IAM_PROFILE_NAME: "web" },
      expected: { kind: "crToken", crToken: { files: CR_TOKEN_FILES }, profile: { by: "name", value: "web" } },
    },
    {
      name: "instance identity, default endpoint",
      env: { VPC_AUTH_TYPE: "vpc" },
      expected: { kind: "instanceIdentity", endpoint: METADATA_ENDPOINT },
    },
    {
      name: "instance identity, endpoint of the command line",
      env: { IBMCLOUD_CR_VPC_URL: "http://127.0.0.1:9", IBMCLOUD_CR_PROFILE: "Profile-1" },
      expected: { kind: "instanceIdentity", endpoint: "http://127.0.0.1:9", profile },
    },
  ];

  it.each(table)("$name", ({ config = {}, env = {}, expected }) => {
    expect(read(config, env).credentials[0].credential).toMatchObject(expected as object);
  });
});

describe("endpoints", () => {
  const table: { name: string; config: Texts; env?: Texts; iam: string; vpc: string; tags?: string }[] = [
    {
      name: "public by default",
      config: {},
      iam: "https://iam.cloud.ibm.com",
      vpc: "https://us-south.iaas.cloud.ibm.com/v1",
      tags: "https://tags.global-search-tagging.cloud.ibm.com",
    },
    {
      name: "another region",
      config: { region: "eu-de" },
      iam: "https://iam.cloud.ibm.com",
      vpc: "https://eu-de.iaas.cloud.ibm.com/v1",
    },
    {
      name: "private",
      config: { region: "eu-de", visibility: "private" },
      iam: "https://private.iam.cloud.ibm.com",
      vpc: "https://eu-de.private.iaas.cloud.ibm.com/v1",
      tags: "https://tags.private.global-search-tagging.cloud.ibm.com",
    },
    {
      name: "private where IAM has one for the region",
      config: { visibility: "public-and-private" },
      iam: "https://private.us-south.iam.cloud.ibm.com",
      vpc: "https://us-south.private.iaas.cloud.ibm.com/v1",
      tags: "https://tags.private.us-south.global-search-tagging.cloud.ibm.com",
    },
    {
      name: "Terraform's variables, with and without the path",
      config: {},
      env: { IBMCLOUD_IAM_API_ENDPOINT: "http://127.0.0.1:1/", IBMCLOUD_IS_NG_API_ENDPOINT: "http://localhost:2/v1/" },
      iam: "http://127.0.0.1:1",
      vpc: "http://localhost:2/v1",
    },
    {
      name: "config before the environment",
      config: { iamEndpoint: "https://iam.example.com", vpcEndpoint: "https://vpc.example.com" },
      env: { IBMCLOUD_IAM_API_ENDPOINT: "http://127.0.0.1:1" },
      iam: "https://iam.example.com",
      vpc: "https://vpc.example.com/v1",
    },
  ];

  it.each(table)("$name", ({ config, env = {}, iam, vpc, tags }) => {
    const settings = read({ ...KEY, ...config }, env);
    expect(settings).toMatchObject({ iamEndpoint: iam, vpcEndpoint: vpc });
    if (tags !== undefined) expect(settings.tagsEndpoint).toBe(tags);
  });
});

describe("what is refused", () => {
  it("no credentials: lists what was looked for, in order", () => {
    const { code, message } = refusal({ region: "eu-de", profileId: "Profile-1" });
    expect(code).toBe("IBMID_NO_CREDENTIALS");
    const sdk =
      "<service>_APIKEY, <service>_BEARER_TOKEN, <service>_CR_TOKEN_FILENAME, <service>_AUTH_TYPE (vpc, container)";
    const files = `${join(process.cwd(), "ibm-credentials.env")} or ${join(folder, "ibm-credentials.env")}`;
    expect(message.split("\n")).toEqual([
      "No IBM Cloud credentials were found. Looked for, in this order:",
      "  1. stack config: vpc-identity:apiKey, vpc-identity:iamToken, vpc-identity:crTokenFile",
      "  2. environment variables: IC_API_KEY, IBMCLOUD_API_KEY, IC_IAM_TOKEN, IBMCLOUD_IAM_TOKEN, IBMCLOUD_CR_TOKEN, " +
        `IBMCLOUD_CR_VPC_URL, ${sdk}`,
      `  3. ${files}: ${sdk}`,
      "where <service> is IAM_IDENTITY, VPC, or IAM_POLICY_MANAGEMENT.",
      "Set one of them, for example IBMCLOUD_API_KEY, or `pulumi config set --secret vpc-identity:apiKey`.",
    ]);
  });

  it("every problem at once", () => {
    const { code, message } = refusal(
      { ...KEY, region: "US South", visibility: "secret", iamEndpoint: "http://iam.example.com" },
      { IC_TIMEOUT: "soon" },
    );
    expect(code).toBe("IBMID_BAD_SETTINGS");
    expect(message.split("\n").slice(1)).toEqual([
      '  - stack config vpc-identity:region: is "US South"; must be a region such as "us-south"',
      '  - stack config vpc-identity:visibility: is "secret"; must be "public", "private" or "public-and-private"',
      '  - environment variable IC_TIMEOUT: is "soon"; must be whole seconds from 1 to 99999',
      expect.stringMatching(/iamEndpoint: is "http:\/\/iam.example.com"; must begin with "https:\/\/"/),
    ]);
  });

  const table: { name: string; config: Texts; env?: Texts; says: string }[] = [
    { name: "a path", config: { iamEndpoint: "https://iam.example.com/identity" }, says: "must have no path" },
    { name: "no address", config: { vpcEndpoint: "us-south" }, says: "must be an address" },
    { name: "a name that only looks local", config: { iamEndpoint: "http://127.0.0.1.evil.example" }, says: "https" },
    {
      name: "two profiles",
      config: { profileId: "Profile-1", profileCrn: "crn:p" },
      says: "profileId and stack config vpc-identity:profileCrn: name a trusted profile more than once",
    },
    { name: "a profile name without account", config: { profileName: "web" }, says: "vpc-identity:accountId" },
    {
      name: "a token file without a profile",
      config: { apiKey: "", crTokenFile: "/run/t" },
      says: "vpc-identity:crTokenFile: needs the trusted profile",
    },
    {
      name: "instance identity in clear over the network",
      config: { apiKey: "" },
      env: { IBMCLOUD_CR_VPC_URL: "http://metadata.example.com" },
      says: "IBMCLOUD_CR_VPC_URL: is",
    },
    {
      name: "instance identity by profile name",
      config: { apiKey: "" },
      env: { IBMCLOUD_CR_VPC_URL: "http://127.0.0.1", IBMCLOUD_CR_PROFILE: "web" },
      says: 'cannot use the profile name "web"',
    },
    {
      name: "a credentials file that is not there",
      config: {},
      env: { IBM_CREDENTIALS_FILE: "/nowhere" },
      says: "/nowhere",
    },
  ];

  it.each(table)("$name", ({ config, env = {}, says }) => {
    const { code, message } = refusal({ ...KEY, ...config }, env);
    expect(code).toBe("IBMID_BAD_SETTINGS");
    expect(message).toContain(says);
  });

  it("a password in an address is not repeated", () => {
    const { message } = refusal({ ...KEY, iamEndpoint: "https://me:hunter2-hunter2@iam.example.com" });
    expect(message).toContain("must not hold a user name or password");
    expect(message).not.toContain("hunter2");
  });
});

/** Every source that credentials may come from, each set up on an account so that a program can deploy with it. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Emulator } from "../../emulator";
import { Api, IDENTITY, type Json, textOf } from "../emulator/support";

/** What a way leaves to the project. */
export interface Left {
  readonly env: Readonly<Record<string, string>>;
  /** Of the stack's config; secret ones are encrypted. */
  readonly config?: Readonly<Record<string, string>>;
  readonly secrets?: Readonly<Record<string, string>>;
  /** Where a secret lies on purpose. */
  readonly files?: readonly string[];
  /** What must not be seen, beside the account's API key, by what it is. */
  readonly hidden?: Readonly<Record<string, string>>;
}

export type Way = (emulator: Emulator, folder: string) => Promise<Left>;

/** Nothing of these is in an exported variable, which every child of the user's shell would have. */
export const WAYS: Readonly<Record<string, Way>> = {
  "an API key in the stack config": (emulator) =>
    Promise.resolve({ env: {}, secrets: { "vpc-identity:apiKey": emulator.apiKey } }),
  "an API key in a file": (emulator, folder) => {
    const file = secretFile(folder, "key.json", JSON.stringify({ apikey: emulator.apiKey }));
    return Promise.resolve({ env: { IBMCLOUD_API_KEY: `@${file}` }, files: [file] });
  },
  "an API key in a credentials file": (emulator, folder) => {
    const file = secretFile(folder, "ibm-credentials.env", `IAM_IDENTITY_APIKEY=${emulator.apiKey}\n`);
    return Promise.resolve({ env: { IBM_CREDENTIALS_FILE: file }, files: [file] });
  },
  "an IAM token in the stack config": async (emulator) => {
    const { token } = await new Api(emulator).logIn();
    return { env: {}, secrets: { "vpc-identity:iamToken": token }, hidden: { iamToken: token } };
  },
  "a profile that is assumed": async (emulator, folder) => {
    const { api, id } = await mightyProfile(emulator);
    const owner = textOf(emulator.inventory().apiKeys[0]?.iam_id as Json);
    const identity = { identifier: owner, type: "user", accounts: [emulator.accountId] };
    await api.must(`POST /v1/profiles/${id}/identities/user`, identity);
    const lines = ["AUTH_TYPE=iamAssume", `APIKEY=${emulator.apiKey}`, `IAM_PROFILE_ID=${id}`];
    const text = lines.map((line) => `IAM_IDENTITY_${line}\n`).join("");
    const file = secretFile(folder, "ibm-credentials.env", text);
    return { env: { IBM_CREDENTIALS_FILE: file }, files: [file] };
  },
  "the token file of a compute resource": async (emulator, folder) => {
    const { api, id } = await mightyProfile(emulator);
    const { url } = await api.server({ default_trusted_profile: { target: { id } } });
    const headers = { "Metadata-Flavor": "ibm" };
    const body = await api.must(
      `PUT ${url}/identity/v1/token?${IDENTITY}`,
      { expires_in: 3600 },
      { token: null, headers },
    );
    const token = textOf(body.access_token);
    const file = secretFile(folder, "cr-token", token);
    return {
      env: {},
      config: { "vpc-identity:crTokenFile": file, "vpc-identity:profileId": id },
      files: [file],
      hidden: { crToken: token },
    };
  },
  "the identity of the server that deploys": async (emulator) => {
    const { api, id } = await mightyProfile(emulator);
    const { url } = await api.server({ default_trusted_profile: { target: { id } } });
    return { env: { IBMCLOUD_CR_VPC_URL: url, IBMCLOUD_CR_PROFILE: id } };
  },
};

function secretFile(folder: string, name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text, { mode: 0o600 });
  return file;
}

/** A profile that may do everything in the account. */
async function mightyProfile(emulator: Emulator): Promise<{ api: Api; id: string }> {
  const api = await new Api(emulator).logIn();
  const { id, iamId } = await api.profile("deployer");
  for (const serviceType of ["service", "platform_service"]) await api.policy(iamId, "Administrator", { serviceType });
  return { api, id };
}

/** Cases 1 to 13: the token service. */
import type { Case, Step } from "./types";

const APIKEY = "urn:ibm:params:oauth:grant-type:apikey";
const CR_TOKEN = "urn:ibm:params:oauth:grant-type:cr-token";
const ASSUME = "urn:ibm:params:oauth:grant-type:assume";
const BASIC = { Authorization: "Basic Yng6Yng=" };

const token = (form: Record<string, string>, rest: Omit<Step, "call" | "form">): Step => ({
  call: "POST /identity/token",
  token: null,
  form,
  ...rest,
});

const identityToken: Step = {
  call: "PUT /identity/v1/token?version=2025-10-21",
  to: "server",
  headers: { "Metadata-Flavor": "ibm" },
  json: {},
  status: 200,
  save: { crToken: "access_token" },
};

export const tokenCases: readonly Case[] = [
  {
    id: "1",
    title: "API key grant",
    steps: [
      token(
        { grant_type: APIKEY, apikey: "${apiKey}" },
        {
          status: 200,
          body: { token_type: "Bearer", expires_in: 3600, scope: "ibm openid", expiration: "${now+3600}" },
          claims: {
            access_token: { exp: "@expiration", account: { bss: "${account}" }, iss: "/^https://iam.cloud.ibm.com/" },
          },
        },
      ),
    ],
  },
  {
    id: "2",
    title: "refresh token only for a client",
    steps: [
      token({ grant_type: APIKEY, apikey: "${apiKey}" }, { status: 200, body: { refresh_token: "not_supported" } }),
      token(
        { grant_type: APIKEY, apikey: "${apiKey}" },
        { headers: BASIC, status: 200, body: { refresh_token: "/^.{20,}$/" }, save: { refresh: "refresh_token" } },
      ),
      token({ grant_type: "refresh_token", refresh_token: "${refresh}" }, { headers: BASIC, status: 200 }),
    ],
  },
  {
    id: "3",
    title: "no grant_type",
    steps: [
      token(
        { apikey: "${apiKey}" },
        { status: 400, body: { errorCode: "BXNIM0109E", errorDetails: "/grant_type/" }, absent: ["errors"] },
      ),
    ],
  },
  {
    id: "4",
    title: "empty API key",
    steps: [token({ grant_type: APIKEY, apikey: "" }, { status: 400, body: { errorCode: "BXNIM0109E" } })],
  },
  {
    id: "5",
    title: "unknown API key",
    steps: [token({ grant_type: APIKEY, apikey: "x".repeat(44) }, { status: 400, body: { errorCode: "BXNIM0415E" } })],
  },
  {
    id: "6",
    title: "unknown response_type",
    steps: [
      token(
        { grant_type: APIKEY, apikey: "${apiKey}", response_type: "uaa" },
        { status: 400, body: { errorCode: "BXNIM0106E" } },
      ),
    ],
  },
  {
    id: "7",
    title: "wrong method",
    steps: [{ call: "GET /identity/token", token: null, status: 405, body: { errorCode: "BXNIM0060E" } }],
  },
  {
    id: "8",
    title: "compute resource token with profile id",
    needs: ["metadata"],
    steps: [
      identityToken,
      token(
        { grant_type: CR_TOKEN, cr_token: "${crToken}", profile_id: "${profile}" },
        {
          status: 200,
          absent: ["refresh_token"],
          claims: { access_token: { iam_id: "iam-${profile}", account: { bss: "${account}" }, sub_type: "Profile" } },
        },
      ),
    ],
  },
  {
    id: "9",
    title: "compute resource token with a profile that is not linked",
    needs: ["metadata"],
    steps: [
      identityToken,
      token(
        { grant_type: CR_TOKEN, cr_token: "${crToken}", profile_id: "${otherProfile}" },
        { status: 400, body: { errorCode: "BXNIM0398E" } },
      ),
    ],
  },
  {
    id: "10",
    title: "compute resource token with profile name and CRN",
    needs: ["metadata"],
    steps: [
      identityToken,
      token(
        { grant_type: CR_TOKEN, cr_token: "${crToken}", profile_name: "${profileName}" },
        { status: 200, claims: { access_token: { iam_id: "iam-${profile}" } } },
      ),
      token(
        { grant_type: CR_TOKEN, cr_token: "${crToken}", profile_crn: "${profileCrn}" },
        { status: 200, claims: { access_token: { iam_id: "iam-${profile}" } } },
      ),
    ],
  },
  {
    id: "11",
    title: "assume a profile as a listed user",
    steps: [
      token(
        { grant_type: ASSUME, access_token: "${owner}", profile_id: "${otherProfile}" },
        { status: 400, body: { errorCode: "BXNIM0398E" } },
      ),
      {
        call: "POST /v1/profiles/${otherProfile}/identities/user",
        json: { identifier: "${ownerIamId}", type: "user" },
        status: 200,
      },
      token(
        { grant_type: ASSUME, access_token: "${owner}", profile_id: "${otherProfile}" },
        { status: 200, claims: { access_token: { iam_id: "iam-${otherProfile}" } } },
      ),
      { call: "DELETE /v1/profiles/${otherProfile}/identities/user/${ownerIamId}", status: 204 },
    ],
  },
  {
    id: "12",
    title: "assume by name without account",
    steps: [
      token(
        { grant_type: ASSUME, access_token: "${owner}", profile_name: "${profileName}" },
        { status: 400, body: { errorCode: "BXNIM0109E" } },
      ),
    ],
  },
  {
    id: "13",
    title: "expired refresh token",
    needs: ["admin"],
    steps: [
      token(
        { grant_type: APIKEY, apikey: "${apiKey}" },
        { headers: BASIC, status: 200, save: { refresh: "refresh_token" } },
      ),
      { call: "POST /_emulator/time", to: "admin", json: { advanceSeconds: 35 * 24 * 3600 }, status: 200 },
      token(
        { grant_type: "refresh_token", refresh_token: "${refresh}" },
        { headers: BASIC, status: 401, body: { errorCode: "BXNIM0408E" } },
      ),
    ],
  },
];

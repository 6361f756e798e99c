/** Cases 82 to 97: identity tokens and IAM tokens on a server. */
import { FLAVOR, token, V, identity, post, iamTokens, fails } from "./steps";
import type { Case, Step } from "./types";

const legacy = (query: string, status: number, to = "server"): Step => ({
  call: `PUT /instance_identity/v1/token?${query}`,
  to,
  headers: FLAVOR,
  json: {},
  status,
});

export const serverTokenCases: readonly Case[] = [
  {
    id: "82",
    title: "identity token",
    needs: ["metadata"],
    steps: [
      token(
        V,
        {},
        {
          status: 200,
          body: { expires_in: 300, access_token: "/^[A-Za-z0-9-_]+\\.[A-Za-z0-9-_]+\\.[A-Za-z0-9-_]*$/" },
          span: { from: "created_at", to: "expires_at", seconds: 300 },
          claims: { access_token: { iaas: { crn: "${serverCrn}", instanceID: "${serverId}" } } },
        },
      ),
    ],
  },
  {
    id: "83",
    title: "life of an identity token",
    needs: ["metadata"],
    steps: [
      token(V, { expires_in: 5 }, { status: 200, body: { expires_in: 5 } }),
      token(V, { expires_in: 3600 }, { status: 200, body: { expires_in: 3600 } }),
      ...[4, 3601, 7200, "60"].map((expires_in) =>
        token(V, { expires_in }, { status: 400, ...fails("invalid_value", "expires_in") }),
      ),
    ],
  },
  {
    id: "84",
    title: "Metadata-Flavor",
    needs: ["metadata"],
    steps: [
      token(V, {}, { headers: {}, status: 400, ...fails("missing_value", "Metadata-Flavor") }),
      token(
        V,
        {},
        { headers: { "Metadata-Flavor": "aws" }, status: 400, ...fails("invalid_value", "Metadata-Flavor") },
      ),
    ],
  },
  {
    id: "85",
    title: "body of a token request",
    needs: ["metadata"],
    steps: [
      token(V, undefined, { status: 400, ...fails("invalid_request") }),
      token(V, [], { status: 400, ...fails("invalid_request") }),
      {
        call: `PUT /identity/v1/token?${V}`,
        to: "server",
        headers: { ...FLAVOR, "Content-Type": "application/x-www-form-urlencoded" },
        text: '{"expires_in": 60}',
        status: 200,
        body: { expires_in: 60 },
      },
    ],
  },
  {
    id: "86",
    title: "versions",
    needs: ["metadata"],
    steps: [
      token("", {}, { status: 400 }),
      token("version=2022-02-28", {}, { status: 400, ...fails("invalid_version_range", "version") }),
      token("version=2022-03-01", {}, { status: 200 }),
      token("version=${tomorrow}", {}, { status: 400 }),
    ],
  },
  {
    id: "87",
    title: "other parameters",
    needs: ["metadata"],
    steps: [
      token(`${V}&foo=1`, {}, { status: 400, ...fails("unknown_field", "foo") }),
      token(`${V}&generation=2`, {}, { status: 200 }),
      token(`${V}&maturity=beta`, {}, { status: 200 }),
    ],
  },
  {
    id: "88",
    title: "old paths",
    needs: ["metadata"],
    steps: [legacy("version=2025-08-25", 200), legacy("version=2025-08-26", 404)],
  },
  {
    id: "88-bare-metal",
    title: "old paths on a bare metal server",
    needs: ["metadata", "admin"],
    steps: [legacy("version=2025-08-25", 404, "bareMetal"), legacy("version=2025-08-26", 404, "bareMetal")],
  },
  {
    id: "89",
    title: "old paths in beta",
    needs: ["metadata"],
    steps: [legacy("version=2025-07-14&maturity=beta", 200), legacy("version=2025-07-15&maturity=beta", 404)],
  },
  {
    id: "90",
    title: "IAM token of a profile",
    needs: ["metadata"],
    steps: [
      identity,
      iamTokens(
        { trusted_profile: { id: "${profile}" } },
        {
          status: 200,
          body: { expires_in: 3600, created_at: "/Z$/", expires_at: "/Z$/" },
          absent: ["refresh_token", "token_type", "scope", "expiration"],
          claims: { access_token: { sub_type: "Profile", iam_id: "iam-${profile}" } },
        },
      ),
    ],
  },
  {
    id: "91",
    title: "IAM token of the default profile",
    needs: ["metadata"],
    steps: [identity, iamTokens(undefined, { status: 200, claims: { access_token: { iam_id: "iam-${profile}" } } })],
  },
  {
    id: "92",
    title: "IAM token of a profile that is not linked",
    needs: ["metadata"],
    steps: [
      identity,
      iamTokens(
        { trusted_profile: { id: "${otherProfile}" } },
        { status: 400, ...fails("profile_not_linked", "trusted_profile.id") },
      ),
    ],
  },
  {
    id: "93",
    title: "no default profile",
    needs: ["metadata", "admin"],
    steps: [
      { ...identity, to: "plain" },
      { ...iamTokens(undefined, { status: 400, ...fails("missing_field", "trusted_profile") }), to: "plain" },
    ],
  },
  {
    id: "94",
    title: "profile by CRN",
    needs: ["metadata"],
    steps: [
      identity,
      iamTokens({ trusted_profile: { crn: "${profileCrn}" } }, { status: 200 }),
      iamTokens({ trusted_profile: { id: "${profile}", crn: "${profileCrn}" } }, { status: 400 }),
    ],
  },
  {
    id: "95",
    title: "IAM decides what is linked",
    needs: ["metadata"],
    steps: [
      identity,
      {
        call: "POST /v1/profiles/${otherProfile}/links",
        json: { cr_type: "VSI", link: { crn: "${serverCrn}" } },
        status: 201,
        save: { link: "id" },
      },
      iamTokens({ trusted_profile: { id: "${otherProfile}" } }, { status: 200, withinSeconds: 60 }),
      { call: "DELETE /v1/profiles/${otherProfile}/links/${link}", status: 204 },
      iamTokens(
        { trusted_profile: { id: "${otherProfile}" } },
        { status: 400, ...fails("profile_not_linked"), withinSeconds: 60 },
      ),
      {
        call: "POST /v1/profiles/${otherProfile}/rules",
        json: {
          type: "Profile-CR",
          cr_type: "VSI",
          conditions: [{ claim: "vpc_id", operator: "EQUALS", value: '"${vpc}"' }],
        },
        status: 201,
        save: { rule: "id" },
      },
      iamTokens({ trusted_profile: { id: "${otherProfile}" } }, { status: 200, withinSeconds: 60 }),
      { call: "DELETE /v1/profiles/${otherProfile}/rules/${rule}", status: 204 },
    ],
  },
  {
    id: "96",
    title: "identity tokens that do not count",
    needs: ["metadata"],
    steps: [
      { ...identity, save: { identity: "access_token" } },
      { ...iamTokens(undefined, { status: 401, ...fails("unauthenticated") }), token: null },
      { ...iamTokens(undefined, { status: 401, ...fails("unauthenticated") }), token: "${identity}x" },
      { ...iamTokens(undefined, { status: 401, ...fails("unauthenticated") }), token: "${owner}" },
    ],
  },
  {
    id: "96-other",
    title: "identity token of another server",
    needs: ["metadata", "admin"],
    steps: [
      { ...identity, to: "plain", save: { identity: "access_token" } },
      iamTokens(undefined, { status: 403, ...fails("unauthorized") }),
    ],
  },
  {
    id: "96-expired",
    title: "identity token that has expired",
    needs: ["metadata", "admin"],
    steps: [
      token(V, { expires_in: 5 }, { status: 200, save: { identity: "access_token" } }),
      { call: "POST /_emulator/time", to: "admin", json: { advanceSeconds: 6 }, status: 200 },
      iamTokens(undefined, { status: 401, ...fails("unauthenticated") }),
    ],
  },
  {
    id: "97",
    title: "singular path under /identity",
    needs: ["metadata"],
    steps: [identity, post("/identity/v1/iam_token", {}, { status: 404 })],
  },
];

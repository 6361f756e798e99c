/** Cases 82 to 106: the services on a server. */
import * as csr from "./requests";
import type { Case, Step } from "./types";

const FLAVOR = { "Metadata-Flavor": "ibm" };
const VPC = "version=2025-09-16&generation=2";

/** Asks for an identity token. */
const token = (query: string, json: unknown, rest: Omit<Step, "call" | "json">): Step => ({
  call: `PUT /identity/v1/token?${query}`,
  to: "server",
  headers: FLAVOR,
  json,
  ...rest,
});
const V = "version=2025-10-21";
const identity: Step = token(V, {}, { status: 200, save: { identity: "access_token" } });

const post = (path: string, json: unknown, rest: Omit<Step, "call" | "json">): Step => ({
  call: `POST ${path}?${V}`,
  to: "server",
  token: "${identity}",
  ...(json === undefined ? {} : { json }),
  ...rest,
});
const iamTokens = (json: unknown, rest: Omit<Step, "call" | "json">): Step =>
  post("/identity/v1/iam_tokens", json, rest);
const certificates = (json: unknown, rest: Omit<Step, "call" | "json">): Step =>
  post("/identity/v1/certificates", json, rest);

const fails = (code: string, target?: string): Partial<Step> => ({
  body: {
    errors: [{ code, ...(target === undefined ? {} : { target: { name: target } }) }],
    trace: "/./",
    status_code: "/^[45][0-9][0-9]$/",
  },
});
const refusedCsr = (text: string): Step =>
  certificates({ csr: text }, { status: 400, ...fails("invalid_value", "csr") });

const legacy = (query: string, status: number, to = "server"): Step => ({
  call: `PUT /instance_identity/v1/token?${query}`,
  to,
  headers: FLAVOR,
  json: {},
  status,
});

const patchMetadata = (server: string, metadata: object): Step => ({
  call: `PATCH /v1/instances/\${${server}}?${VPC}`,
  json: { metadata_service: metadata },
  status: 200,
  body: { metadata_service: metadata as Record<string, string> },
});

export const onInstanceCases: readonly Case[] = [
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
  {
    id: "98",
    title: "identity certificate",
    needs: ["metadata"],
    steps: [
      identity,
      certificates(
        { csr: csr.rsa2048 },
        {
          status: 200,
          body: { expires_in: 3600, id: "/^[-0-9a-z_]{1,64}$/" },
          leaf: { subject: "C=US\nCN=${serverId}", seconds: 3600 },
        },
      ),
      certificates(
        { csr: csr.fullSubject },
        {
          status: 200,
          leaf: { subject: "C=US\nST=Texas\nL=Austin\nO=Example\nOU=Web\nCN=${serverId}", seconds: 3600 },
        },
      ),
      certificates(
        { csr: csr.rsa4096 },
        { status: 200, leaf: { subject: "O=Example\nCN=${serverId}", seconds: 3600 } },
      ),
    ],
  },
  {
    id: "99",
    title: "life of a certificate",
    needs: ["metadata"],
    steps: [
      identity,
      certificates(
        { csr: csr.rsa2048, expires_in: 300 },
        { status: 200, body: { expires_in: 300 }, leaf: { subject: "C=US\nCN=${serverId}", seconds: 300 } },
      ),
      certificates({ csr: csr.rsa2048, expires_in: 299 }, { status: 400, ...fails("invalid_value", "expires_in") }),
      certificates({ csr: csr.rsa2048, expires_in: 3601 }, { status: 400, ...fails("invalid_value", "expires_in") }),
    ],
  },
  {
    id: "100",
    title: "requests that are refused",
    needs: ["metadata"],
    steps: [
      identity,
      refusedCsr(csr.commonName),
      refusedCsr(csr.extensions),
      refusedCsr(csr.sha512),
      refusedCsr(csr.rsa3072),
      refusedCsr(csr.ellipticCurve),
      refusedCsr(csr.emptySubject),
      refusedCsr(csr.longLines),
      certificates({ csr: csr.carriageReturns }, { status: 200 }),
    ],
  },
  {
    id: "101",
    title: "no request",
    needs: ["metadata"],
    steps: [identity, certificates({}, { status: 400, ...fails("missing_field", "csr") })],
  },
  {
    id: "102",
    title: "metadata",
    needs: ["metadata"],
    steps: [
      identity,
      { call: `GET /metadata/v1/instance?${V}`, to: "server", status: 401 },
      {
        call: `GET /metadata/v1/instance?${V}`,
        to: "server",
        token: "${identity}",
        status: 200,
        body: { id: "${serverId}", metadata_service: { enabled: true } },
      },
      {
        call: `GET /metadata/v1/instance/initialization?${V}`,
        to: "server",
        token: "${identity}",
        status: 200,
        body: { user_data: "${userData}", default_trusted_profile: { target: { id: "${profile}" } } },
      },
      {
        call: `GET /metadata/v1/keys?${V}`,
        to: "server",
        token: "${identity}",
        status: 200,
        body: { keys: { $: "only", item: { id: "${key}" } } },
      },
      {
        call: `GET /metadata/v1/keys/r006-00000000-0000-4000-8000-000000000000?${V}`,
        to: "server",
        token: "${identity}",
        status: 404,
        body: { errors: [{ code: "not_found" }] },
      },
    ],
  },
  {
    id: "103",
    title: "the metadata switch",
    needs: ["metadata", "admin"],
    steps: [
      { ...identity, to: "plain", save: {} },
      patchMetadata("plainId", { enabled: false }),
      { ...identity, to: "plain", save: {}, status: "silence" },
      patchMetadata("plainId", { enabled: true, protocol: "https" }),
      { ...identity, to: "plain", save: {}, status: "silence" },
      { ...identity, to: "tls:plain", save: {} },
      { ...identity, to: "tls-by-ip:plain", save: {}, status: "silence" },
      patchMetadata("plainId", { protocol: "http" }),
      { ...identity, to: "plain", save: {} },
    ],
  },
  {
    id: "104",
    title: "the hop limit",
    needs: ["metadata", "admin"],
    steps: [
      { ...identity, to: "plain", headers: { ...FLAVOR, "X-Emulator-Extra-Hops": "1" }, save: {}, status: "silence" },
      patchMetadata("plainId", { response_hop_limit: 2 }),
      { ...identity, to: "plain", headers: { ...FLAVOR, "X-Emulator-Extra-Hops": "1" }, save: {} },
      patchMetadata("plainId", { response_hop_limit: 1 }),
    ],
  },
  {
    id: "105",
    title: "nonce",
    needs: ["metadata"],
    steps: [
      token(V, { nonce: "abc" }, { status: 200, body: { nonce: "abc" }, claims: { access_token: { nonce: "abc" } } }),
    ],
  },
  {
    id: "106",
    title: "the walk-through from end to end",
    needs: ["metadata"],
    steps: [
      {
        call: "POST /v1/policies",
        json: {
          type: "access",
          subjects: [{ attributes: [{ name: "iam_id", value: "iam-${profile}" }] }],
          roles: [{ role_id: "crn:v1:bluemix:public:iam::::role:Operator" }],
          resources: [
            {
              attributes: [
                { name: "serviceName", value: "is", operator: "stringEquals" },
                { name: "accountId", value: "${account}", operator: "stringEquals" },
              ],
            },
          ],
        },
        status: 201,
        save: { policy: "id" },
      },
      token(V, { expires_in: 600 }, { status: 200, body: { expires_in: 600 }, save: { identity: "access_token" } }),
      iamTokens({ trusted_profile: { id: "${profile}" } }, { status: 200, save: { iam: "access_token" } }),
      {
        call: `GET /v1/instances?${VPC}&name=\${serverName}`,
        token: "${iam}",
        status: 200,
        body: { instances: [{ id: "${serverId}" }] },
        withinSeconds: 600,
      },
      { call: "DELETE /v1/policies/${policy}", status: 204 },
      iamTokens({ trusted_profile: { id: "${profile}" } }, { status: 200, save: { iam: "access_token" } }),
      {
        call: `GET /v1/instances?${VPC}`,
        token: "${iam}",
        status: 403,
        body: { errors: [{ code: "not_authorized" }] },
        withinSeconds: 600,
      },
    ],
  },
];

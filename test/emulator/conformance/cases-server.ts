/** Cases 98 to 106: certificates, metadata and the walk-through on a server. */
import * as csr from "./requests";
import { Q, FLAVOR, token, V, identity, post, iamTokens, fails } from "./steps";
import type { Case, Step } from "./types";

const certificates = (json: unknown, rest: Omit<Step, "call" | "json">): Step =>
  post("/identity/v1/certificates", json, rest);

const refusedCsr = (text: string): Step =>
  certificates({ csr: text }, { status: 400, ...fails("invalid_value", "csr") });

const patchMetadata = (server: string, metadata: object): Step => ({
  call: `PATCH /v1/instances/\${${server}}?${Q}`,
  json: { metadata_service: metadata },
  status: 200,
  body: { metadata_service: metadata as Record<string, string> },
});

export const serverCases: readonly Case[] = [
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
        call: `GET /v1/instances?${Q}&name=\${serverName}`,
        token: "${iam}",
        status: 200,
        body: { instances: [{ id: "${serverId}" }] },
        withinSeconds: 600,
      },
      { call: "DELETE /v1/policies/${policy}", status: 204 },
      iamTokens({ trusted_profile: { id: "${profile}" } }, { status: 200, save: { iam: "access_token" } }),
      {
        call: `GET /v1/instances?${Q}`,
        token: "${iam}",
        status: 403,
        body: { errors: [{ code: "not_authorized" }] },
        withinSeconds: 600,
      },
    ],
  },
];

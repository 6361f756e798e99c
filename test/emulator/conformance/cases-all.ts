/** All cases of the contract, those that cut across the APIs last. */
import { instanceCases } from "./cases-instances";
import { keyCases } from "./cases-keys";
import { networkCases } from "./cases-networks";
import { policyCases } from "./cases-policies";
import { profileCases } from "./cases-profiles";
import { serverCases } from "./cases-server";
import { serverTokenCases } from "./cases-server-tokens";
import { tokenCases } from "./cases-tokens";
import type { Case } from "./types";

const VPC = "version=2025-09-16&generation=2";

const acrossCases: readonly Case[] = [
  {
    id: "107",
    title: "rate limit with Retry-After",
    needs: ["admin"],
    steps: [
      {
        call: "POST /_emulator/faults",
        to: "admin",
        json: { faults: [{ path: "/v1/instances", method: "GET", status: 429, retryAfterSeconds: 1 }] },
        status: 200,
      },
      {
        call: `GET /v1/instances?${VPC}`,
        status: 429,
        header: { "retry-after": "1" },
        body: { errors: [{ code: "/./" }] },
      },
      { call: `GET /v1/instances?${VPC}`, status: 200 },
    ],
  },
  {
    id: "108",
    title: "correlation",
    steps: [
      {
        call: "GET /v1/profiles/invalid",
        headers: { "Transaction-Id": "conformance-${run}" },
        status: 404,
        header: { "transaction-id": "conformance-${run}" },
      },
      {
        call: `GET /v1/instances/invalid?${VPC}`,
        status: 404,
        body: { trace: "/./" },
        header: { "x-request-id": "@trace" },
      },
    ],
  },
  {
    id: "109",
    title: "optional fields that are null",
    skip: "says how a client reads an answer; nothing is asked of the service",
    steps: [],
  },
  {
    id: "110",
    title: "no secret in the journal",
    needs: ["metadata", "admin"],
    steps: [
      {
        call: "PUT /identity/v1/token?version=2025-10-21",
        to: "server",
        headers: { "Metadata-Flavor": "ibm" },
        json: { nonce: "nonce-${run}" },
        status: 200,
        save: { identity: "access_token" },
      },
      { call: `GET /v1/instances?${VPC}&name=\${apiKey}`, status: [200, 400] },
      { call: "GET /v1/apikeys/${apiKey}?access_token=${owner}", status: 404 },
      {
        call: "GET /_emulator/journal",
        to: "admin",
        status: 200,
        lacks: ["${apiKey}", "${owner}", "${identity}", "nonce-${run}"],
      },
    ],
  },
];

export const cases: readonly Case[] = [
  ...tokenCases,
  ...keyCases,
  ...profileCases,
  ...policyCases,
  ...instanceCases,
  ...networkCases,
  ...serverTokenCases,
  ...serverCases,
  ...acrossCases,
];

/** Cases 14 to 25: API keys and service IDs. */
import type { Case, Step } from "./types";

const APIKEY = "urn:ibm:params:oauth:grant-type:apikey";
const tokenFor = (key: string, status: number): Step => ({
  call: "POST /identity/token",
  token: null,
  form: { grant_type: APIKEY, apikey: key },
  status,
});

const newKey: Step = {
  call: "POST /v1/apikeys",
  json: { name: "key-${run}", iam_id: "${ownerIamId}" },
  status: 201,
  body: { id: "/^ApiKey-/", apikey: "/^.{32,}$/", entity_tag: "/./", locked: false, disabled: false },
  header: { etag: "@entity_tag" },
  save: { key: "id", keyValue: "apikey", keyTag: "entity_tag" },
};
const dropKey: Step = { call: "DELETE /v1/apikeys/${key}", status: 204 };

export const keyCases: readonly Case[] = [
  { id: "14", title: "create an API key", steps: [newKey, dropKey] },
  {
    id: "15",
    title: "get an API key",
    steps: [
      newKey,
      {
        call: "GET /v1/apikeys/${key}",
        status: 200,
        body: { locked: false, disabled: false, support_sessions: false },
        lacks: ["${keyValue}"],
      },
      dropKey,
    ],
  },
  {
    id: "16",
    title: "API key value of 31 characters",
    steps: [
      {
        call: "POST /v1/apikeys",
        json: { name: "short-${run}", iam_id: "${ownerIamId}", apikey: "a".repeat(31) },
        status: 400,
        body: { errors: [{ code: "/./" }] },
      },
    ],
  },
  {
    id: "17",
    title: "If-Match of an API key",
    steps: [
      newKey,
      { call: "PUT /v1/apikeys/${key}", json: { description: "a" }, status: 400 },
      { call: "PUT /v1/apikeys/${key}", headers: { "If-Match": "0-stale" }, json: { description: "a" }, status: 409 },
      {
        call: "PUT /v1/apikeys/${key}",
        headers: { "If-Match": "*" },
        json: { description: "a" },
        status: 200,
        body: { description: "a", entity_tag: "!${keyTag}", name: "key-${run}" },
      },
      dropKey,
    ],
  },
  {
    id: "18",
    title: "lock an API key",
    steps: [
      newKey,
      { call: "POST /v1/apikeys/${key}/lock", status: 204 },
      { call: "GET /v1/apikeys/${key}", status: 200, body: { locked: true } },
      {
        call: "DELETE /v1/apikeys/${key}",
        status: 409,
        body: { errors: [{ code: "delete_not_possible", message_code: "BXNIM0105E" }] },
      },
      { call: "DELETE /v1/apikeys/${key}/lock", status: 204 },
      dropKey,
      { call: "GET /v1/apikeys/${key}", status: 404 },
    ],
  },
  {
    id: "19",
    title: "disable an API key",
    steps: [
      newKey,
      { call: "POST /v1/apikeys/${key}/disable", status: 204 },
      tokenFor("${keyValue}", 400),
      { call: "DELETE /v1/apikeys/${key}/disable", status: 204 },
      tokenFor("${keyValue}", 200),
      dropKey,
    ],
  },
  {
    id: "20",
    title: "API key details by value",
    steps: [
      newKey,
      {
        call: "GET /v1/apikeys/details",
        headers: { "IAM-ApiKey": "${keyValue}" },
        status: 200,
        body: { id: "${key}" },
      },
      { call: "GET /v1/apikeys/details", headers: { "IAM-ApiKey": "y".repeat(44) }, status: 404 },
      dropKey,
    ],
  },
  {
    id: "21",
    title: "pages of a list",
    steps: [
      newKey,
      {
        call: "GET /v1/apikeys?account_id=${account}&iam_id=${ownerIamId}&pagesize=1",
        status: 200,
        body: { limit: 1, apikeys: [{}], next: "/[?&]pagetoken=/" },
        save: { next: "next" },
      },
      { call: "GET ${next}", status: 200, body: { limit: 1, apikeys: [{}] } },
      {
        call: "GET /v1/apikeys?account_id=${account}&iam_id=${ownerIamId}&pagesize=100",
        status: 200,
        absent: ["next"],
      },
      { call: "GET /v1/apikeys?account_id=${account}&pagesize=0", status: 400 },
      { call: "GET /v1/apikeys?account_id=${account}&pagesize=101", status: 400 },
      dropKey,
    ],
  },
  {
    id: "22",
    title: "service IDs with and without a trailing slash",
    steps: [
      { call: "GET /v1/serviceids?account_id=${account}", status: 200, body: { serviceids: { $: "array" } } },
      { call: "GET /v1/serviceids/?account_id=${account}", status: 200, body: { serviceids: { $: "array" } } },
    ],
  },
  {
    id: "23",
    title: "service IDs need no unique name",
    steps: [
      {
        call: "POST /v1/serviceids/",
        json: { name: "same-${run}", account_id: "${account}" },
        status: 201,
        body: { id: "/^ServiceId-/", iam_id: "/^iam-ServiceId-/", locked: false },
        save: { a: "id" },
      },
      {
        call: "POST /v1/serviceids",
        json: { name: "same-${run}", account_id: "${account}" },
        status: 201,
        save: { b: "id" },
      },
      { call: "DELETE /v1/serviceids/${a}", status: 204 },
      { call: "DELETE /v1/serviceids/${b}", status: 204 },
    ],
  },
  {
    id: "24",
    title: "service ID with a stored API key",
    steps: [
      {
        call: "POST /v1/serviceids",
        json: { name: "with-key-${run}", account_id: "${account}", apikey: { name: "k", store_value: true } },
        status: 201,
        body: { apikey: { apikey: "/^.{32,}$/" } },
        save: { s: "id" },
      },
      { call: "GET /v1/serviceids/${s}", status: 200, absent: ["apikey"] },
      { call: "DELETE /v1/serviceids/${s}", status: 204 },
    ],
  },
  {
    id: "25",
    title: "a service ID takes its API keys with it",
    steps: [
      {
        call: "POST /v1/serviceids",
        json: { name: "gone-${run}", account_id: "${account}", apikey: { name: "k" } },
        status: 201,
        save: { s: "id", k: "apikey.id" },
      },
      { call: "GET /v1/apikeys/${k}", status: 200 },
      { call: "DELETE /v1/serviceids/${s}", status: 204 },
      { call: "GET /v1/apikeys/${k}", status: 404 },
    ],
  },
];

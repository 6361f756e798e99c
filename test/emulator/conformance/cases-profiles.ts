/** Cases 26 to 49: trusted profiles with their rules, links and identities. */
import type { Case, Step } from "./types";

const newProfile: Step = {
  call: "POST /v1/profiles",
  json: { name: "case-${run}-${n}", account_id: "${account}" },
  status: 201,
  body: { id: "/^Profile-/", iam_id: "/^iam-Profile-/", entity_tag: "/./", account_id: "${account}" },
  absent: ["description"],
  save: { p: "id", pTag: "entity_tag" },
};
const dropProfile: Step = { call: "DELETE /v1/profiles/${p}", status: 204 };

const condition = { claim: "vpc_id", operator: "EQUALS", value: '"r006-1"' };
const saml = {
  type: "Profile-SAML",
  realm_name: "https://sdk.example.com/1234",
  expiration: 43200,
  conditions: [condition],
};
const compute = { type: "Profile-CR", cr_type: "VSI", conditions: [condition] };
const rule = (json: object, status: number | number[] = 400, more: Partial<Step> = {}): Step => ({
  call: "POST /v1/profiles/${p}/rules",
  json,
  status,
  ...more,
});
const without = (value: object, key: string): object =>
  Object.fromEntries(Object.entries(value).filter(([name]) => name !== key));

const vsi = "crn:v1:bluemix:public:is:us-south-1:a/${account}::instance:0717_0a1b2c3d-0000-4000-8000-000000000001";
const foreign = "crn:v1:bluemix:public:is:us-south-1:a/00000000000000000000000000000000::instance:0717_x";
const cluster = "crn:v1:bluemix:public:containers-kubernetes:us-south:a/${account}:c0ffee::";
const engine = "crn:v1:bluemix:public:codeengine:us-south:a/${account}:4ec143d7-c51a-430a-8f46-ee3b2a8d2b5c::";
const link = (json: object, status = 400, more: Partial<Step> = {}): Step => ({
  call: "POST /v1/profiles/${p}/links",
  json,
  status,
  ...more,
});

export const profileCases: readonly Case[] = [
  { id: "26", title: "create a profile", steps: [newProfile, dropProfile] },
  {
    id: "27",
    title: "profile name in use",
    steps: [newProfile, { ...newProfile, status: [400, 409, 422], body: {}, absent: [], save: {} }, dropProfile],
  },
  {
    id: "28",
    title: "profile in a bad account",
    steps: [{ call: "POST /v1/profiles", json: { name: "x-${run}", account_id: "invalid" }, status: 400 }],
  },
  {
    id: "29",
    title: "profile that does not exist",
    steps: [
      { call: "GET /v1/profiles/invalid", status: 404 },
      { call: "PUT /v1/profiles/invalid", headers: { "If-Match": "invalid" }, json: { name: "x" }, status: 404 },
      { call: "DELETE /v1/profiles/invalid", status: 404 },
    ],
  },
  {
    id: "30",
    title: "partial update of a profile",
    steps: [
      newProfile,
      {
        call: "PUT /v1/profiles/${p}",
        headers: { "If-Match": "${pTag}" },
        json: { description: "d" },
        status: 200,
        body: { name: "case-${run}-${n}", description: "d", entity_tag: "!${pTag}" },
      },
      { call: "PUT /v1/profiles/${p}", headers: { "If-Match": "${pTag}" }, json: { description: "e" }, status: 409 },
      dropProfile,
    ],
  },
  {
    id: "31",
    title: "empty text clears a description",
    steps: [
      newProfile,
      { call: "PUT /v1/profiles/${p}", headers: { "If-Match": "*" }, json: { description: "d" }, status: 200 },
      {
        call: "PUT /v1/profiles/${p}",
        headers: { "If-Match": "*" },
        json: { description: "" },
        status: 200,
        absent: ["description"],
      },
      { call: "GET /v1/profiles/${p}", status: 200, absent: ["description"] },
      dropProfile,
    ],
  },
  {
    id: "32",
    title: "a profile takes rules and links with it",
    steps: [
      newProfile,
      rule(compute, 201, { save: { r: "id" } }),
      link({ cr_type: "VSI", link: { crn: vsi } }, 201, { save: { l: "id" } }),
      dropProfile,
      { call: "GET /v1/profiles/${p}", status: 404 },
      { call: "GET /v1/profiles/${p}/rules/${r}", status: 404 },
      { call: "GET /v1/profiles/${p}/links/${l}", status: 404 },
      { call: "GET /v1/profiles?account_id=${account}&pagesize=100", status: 200, lacks: ["${p}"] },
    ],
  },
  {
    id: "33",
    title: "SAML rules",
    steps: [
      newProfile,
      rule(without(saml, "realm_name")),
      rule(without(saml, "expiration")),
      rule({ ...saml, cr_type: "VSI" }),
      rule(saml, 201, { body: { id: "/^ClaimRule-/", expiration: 43200 } }),
      dropProfile,
    ],
  },
  {
    id: "34",
    title: "compute resource rules",
    steps: [
      newProfile,
      rule(without(compute, "cr_type")),
      rule({ ...compute, realm_name: "r" }),
      rule({ ...compute, cr_type: "EC2" }),
      rule(compute, 201, { body: { cr_type: "VSI", conditions: [condition] } }),
      dropProfile,
    ],
  },
  {
    id: "35",
    title: "conditions of a rule",
    steps: [
      newProfile,
      rule({ ...compute, conditions: [{ ...condition, operator: "STARTS_WITH" }] }),
      rule({ ...compute, conditions: [] }),
      rule(without(compute, "conditions")),
      dropProfile,
    ],
  },
  {
    id: "36",
    title: "at most 20 rules",
    steps: [
      newProfile,
      ...Array.from({ length: 20 }, () => rule(compute, 201)),
      rule(compute, [400, 409]),
      dropProfile,
    ],
  },
  {
    id: "37",
    title: "replace a rule",
    steps: [
      newProfile,
      rule(compute, 201, { save: { r: "id", rTag: "entity_tag" } }),
      {
        call: "PUT /v1/profiles/${p}/rules/${r}",
        headers: { "If-Match": "${rTag}" },
        json: without(compute, "type"),
        status: 400,
      },
      {
        call: "PUT /v1/profiles/${p}/rules/${r}",
        headers: { "If-Match": "${rTag}" },
        json: { ...compute, name: "renamed" },
        status: 200,
        body: { name: "renamed", entity_tag: "!${rTag}" },
      },
      dropProfile,
    ],
  },
  {
    id: "38",
    title: "rule of an unknown profile",
    steps: [
      { call: "GET /v1/profiles/invalid/rules", status: 404 },
      { call: "POST /v1/profiles/invalid/rules", json: compute, status: 404 },
    ],
  },
  {
    id: "39",
    title: "link of a virtual server",
    steps: [
      newProfile,
      link({ cr_type: "VSI", link: { crn: vsi } }, 201, {
        body: { cr_type: "VSI", link: { crn: vsi }, is_cross_account: "?false" },
        save: { l: "id", lTag: "entity_tag" },
      }),
      {
        call: "GET /v1/profiles/${p}/links/${l}",
        status: 200,
        body: { id: "${l}", entity_tag: "${lTag}", cr_type: "VSI", link: { crn: vsi } },
      },
      { call: "GET /v1/profiles/${p}/links", status: 200, body: { links: [{ id: "${l}" }] } },
      dropProfile,
    ],
  },
  {
    id: "40",
    title: "link of a virtual server with a name inside",
    steps: [newProfile, link({ cr_type: "VSI", link: { crn: vsi, name: "x" } }), dropProfile],
  },
  {
    id: "41",
    title: "link of a service account without a namespace",
    steps: [newProfile, link({ cr_type: "IKS_SA", link: { crn: cluster, name: "default" } }), dropProfile],
  },
  {
    id: "42",
    title: "link of a component without its name",
    steps: [newProfile, link({ cr_type: "CE", link: { crn: engine, component_type: "application" } }), dropProfile],
  },
  {
    id: "43",
    title: "link across accounts",
    steps: [
      newProfile,
      link({ cr_type: "VSI", link: { crn: foreign } }),
      link({ cr_type: "VSI", link: { crn: foreign }, is_cross_account: true }, 201),
      dropProfile,
    ],
  },
  {
    id: "44",
    title: "delete a link by its parameters",
    steps: [
      newProfile,
      link({ cr_type: "CE", link: { crn: engine, component_type: "application", component_name: "app" } }, 201, {
        save: { l: "id" },
      }),
      {
        call: `DELETE /v1/profiles/\${p}/links?type=CE&crn=${engine}&component_type=application&component_name=app`,
        status: 204,
      },
      { call: "GET /v1/profiles/${p}/links/${l}", status: 404 },
      dropProfile,
    ],
  },
  {
    id: "45",
    title: "a link cannot be changed",
    steps: [
      newProfile,
      link({ cr_type: "VSI", link: { crn: vsi } }, 201, { save: { l: "id" } }),
      { call: "PUT /v1/profiles/${p}/links/${l}", headers: { "If-Match": "*" }, json: {}, status: [404, 405] },
      dropProfile,
    ],
  },
  {
    id: "46",
    title: "identities of a new profile",
    steps: [
      newProfile,
      {
        call: "GET /v1/profiles/${p}/identities",
        status: 200,
        body: { identities: { $: "empty" }, entity_tag: "/./" },
      },
      dropProfile,
    ],
  },
  {
    id: "47",
    title: "replace the identities of a profile",
    steps: [
      newProfile,
      {
        call: "PUT /v1/profiles/${p}/identities",
        headers: { "If-Match": "${pTag}" },
        json: { identities: [{ identifier: "${ownerIamId}", type: "user" }] },
        status: 200,
        body: { identities: [{ iam_id: "${ownerIamId}", identifier: "${ownerIamId}", type: "user" }] },
      },
      {
        call: "PUT /v1/profiles/${p}/identities",
        headers: { "If-Match": "${pTag}" },
        json: { identities: [] },
        status: 409,
      },
      dropProfile,
    ],
  },
  {
    id: "48",
    title: "one identity of a profile",
    steps: [
      newProfile,
      {
        call: "POST /v1/profiles/${p}/identities/user",
        json: { identifier: "${ownerIamId}", type: "user", accounts: ["${account}"] },
        status: 200,
        body: { iam_id: "${ownerIamId}", accounts: ["${account}"] },
      },
      { call: "GET /v1/profiles/${p}/identities/user/${ownerIamId}", status: 200, body: { type: "user" } },
      { call: "DELETE /v1/profiles/${p}/identities/user/${ownerIamId}", status: 204 },
      { call: "GET /v1/profiles/${p}/identities/user/${ownerIamId}", status: 404 },
      dropProfile,
    ],
  },
  {
    id: "49",
    title: "identities that do not fit",
    steps: [
      newProfile,
      {
        call: "POST /v1/profiles/${p}/identities/user",
        json: { identifier: "ServiceId-1", type: "serviceid" },
        status: 400,
      },
      {
        call: "POST /v1/profiles/${p}/identities/serviceid",
        json: { identifier: "ServiceId-1", type: "serviceid", accounts: ["${account}"] },
        status: 400,
      },
      dropProfile,
    ],
  },
];

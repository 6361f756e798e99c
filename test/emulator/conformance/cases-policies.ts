/** Cases 50 to 62: access policies and roles. */
import type { Case, Step } from "./types";

const OPERATOR = "crn:v1:bluemix:public:iam::::role:Operator";
const VIEWER = "crn:v1:bluemix:public:iam::::role:Viewer";

/** The policy of the contract's section E.4, for a profile that nobody else uses. */
const v1 = (role = OPERATOR): Record<string, unknown> => ({
  type: "access",
  subjects: [{ attributes: [{ name: "iam_id", value: "${iamId}" }] }],
  roles: [{ role_id: role }],
  resources: [
    {
      attributes: [
        { name: "serviceName", value: "is", operator: "stringEquals" },
        { name: "accountId", value: "${account}", operator: "stringEquals" },
      ],
    },
  ],
});
const v2 = {
  type: "access",
  control: { grant: { roles: [{ role_id: VIEWER }] } },
  subject: { attributes: [{ key: "iam_id", operator: "stringEquals", value: "${iamId}" }] },
  resource: {
    attributes: [
      { key: "serviceName", operator: "stringEquals", value: "is" },
      { key: "accountId", operator: "stringEquals", value: "${account}" },
    ],
  },
};
const DAYS = {
  key: "{{environment.attributes.day_of_week}}",
  operator: "dayOfWeekAnyOf",
  value: ["1+00:00", "5+00:00"],
};
const HOURS = {
  operator: "and",
  conditions: [
    DAYS,
    {
      key: "{{environment.attributes.current_time}}",
      operator: "timeGreaterThanOrEquals",
      value: "09:00:00+00:00",
    },
    { key: "{{environment.attributes.current_time}}", operator: "timeLessThanOrEquals", value: "17:00:00+00:00" },
  ],
};

const profile: Step = {
  call: "POST /v1/profiles",
  json: { name: "policy-${run}-${n}", account_id: "${account}" },
  status: 201,
  save: { p: "id", iamId: "iam_id" },
};
const create = (json: unknown, status = 201, more: Partial<Step> = {}): Step => ({
  call: "POST /v1/policies",
  json,
  status,
  ...more,
});
const done: readonly Step[] = [{ call: "DELETE /v1/profiles/${p}", status: 204 }];
const created: Partial<Step> = { save: { policy: "id" } };
const read: Step = { call: "GET /v1/policies/${policy}", status: 200, save: { tag: "header:etag" } };

export const policyCases: readonly Case[] = [
  {
    id: "50",
    title: "create the policy of the walk-through",
    steps: [
      profile,
      create(v1(), 201, { ...created, body: { state: "active", type: "access", roles: [{ role_id: OPERATOR }] } }),
      { ...read, header: { etag: "/./" } },
      ...done,
    ],
  },
  {
    id: "51",
    title: "the same policy again",
    steps: [
      profile,
      create(v1(), 201, created),
      create(v1(), 409, {
        body: {
          errors: [{ code: "policy_conflict_error", details: { conflicts_with: { policy: { id: "${policy}" } } } }],
        },
      }),
      ...done,
    ],
  },
  {
    id: "52",
    title: "policy without accountId",
    steps: [
      profile,
      create({ ...v1(), resources: [{ attributes: [{ name: "serviceName", value: "is" }] }] }, 400, {
        body: { errors: [{ code: "invalid_body" }], status_code: 400, trace: "/./" },
      }),
      ...done,
    ],
  },
  {
    id: "53",
    title: "policy with two resources",
    steps: [
      profile,
      create(
        {
          ...v1(),
          resources: [
            {
              attributes: [
                { name: "accountId", value: "${account}" },
                { name: "serviceName", value: "is" },
              ],
            },
            {
              attributes: [
                { name: "accountId", value: "${account}" },
                { name: "serviceName", value: "kms" },
              ],
            },
          ],
        },
        400,
      ),
      ...done,
    ],
  },
  {
    id: "54",
    title: "policy with an unknown role",
    steps: [profile, create(v1("crn:v1:bluemix:public:iam::::role:Emperor"), 400), ...done],
  },
  {
    id: "55",
    title: "replace a policy",
    steps: [
      profile,
      create(v1(), 201, created),
      read,
      { call: "PUT /v1/policies/${policy}", headers: { "If-Match": "0-stale" }, json: v1(VIEWER), status: 409 },
      {
        call: "PUT /v1/policies/${policy}",
        headers: { "If-Match": "${tag}" },
        json: v1(VIEWER),
        status: 200,
        body: { roles: [{ role_id: VIEWER }] },
        header: { etag: "!${tag}" },
        save: { tag: "header:etag" },
      },
      {
        call: "PUT /v1/policies/${policy}",
        headers: { "If-Match": "${tag}" },
        json: { ...v1(VIEWER), type: "authorization" },
        status: 400,
      },
      ...done,
    ],
  },
  {
    id: "56",
    title: "delete and restore a policy",
    steps: [
      profile,
      create(v1(), 201, created),
      { call: "DELETE /v1/policies/${policy}", status: 204 },
      { ...read, body: { state: "deleted" } },
      {
        call: "PATCH /v1/policies/${policy}",
        headers: { "If-Match": "${tag}" },
        json: { state: "paused" },
        status: 400,
      },
      {
        call: "PATCH /v1/policies/${policy}",
        headers: { "If-Match": "${tag}" },
        json: { state: "active" },
        status: 200,
        body: { state: "active" },
      },
      ...done,
    ],
  },
  {
    id: "57",
    title: "list policies",
    steps: [
      profile,
      create(v1(), 201, created),
      { call: "GET /v1/policies", status: 400, body: { errors: [{ code: "missing_required_query_parameter" }] } },
      {
        call: "GET /v1/policies?account_id=${account}&iam_id=${iamId}",
        status: 200,
        body: { policies: [{ id: "${policy}", subjects: [{ attributes: [{ name: "iam_id", value: "${iamId}" }] }] }] },
      },
      ...done,
    ],
  },
  {
    id: "58",
    title: "time-based conditions",
    steps: [
      profile,
      { call: "POST /v2/policies", json: { ...v2, rule: DAYS }, status: 400 },
      {
        call: "POST /v2/policies",
        json: { ...v2, rule: HOURS, pattern: "time-based-conditions:weekly:custom-hours" },
        status: 201,
        save: { policy: "id" },
      },
      {
        call: "GET /v2/policies/${policy}",
        status: 200,
        body: { rule: HOURS, pattern: "time-based-conditions:weekly:custom-hours" },
      },
      ...done,
    ],
  },
  {
    id: "59",
    title: "a v1 policy is readable in v2",
    steps: [
      profile,
      create(v1(), 201, created),
      {
        call: "GET /v2/policies/${policy}",
        status: 200,
        body: {
          id: "${policy}",
          control: { grant: { roles: [{ role_id: OPERATOR }] } },
          href: "/v1/policies/",
        },
        header: { etag: "/./" },
      },
      ...done,
    ],
  },
  {
    id: "60",
    title: "v2 has no PATCH",
    steps: [
      profile,
      create(v1(), 201, created),
      {
        call: "PATCH /v2/policies/${policy}",
        headers: { "If-Match": "*" },
        json: { state: "active" },
        status: [404, 405],
      },
      ...done,
    ],
  },
  {
    id: "61",
    title: "roles of VPC",
    steps: [
      {
        call: "GET /v2/roles?service_name=is&account_id=${account}",
        status: 200,
        body: {
          custom_roles: { $: "array" },
          system_roles: { $: "holds", each: ["Viewer", "Operator", "Editor", "Administrator"], key: "display_name" },
          service_roles: { $: "holds", each: ["Reader", "Writer", "Manager"], key: "display_name" },
        },
      },
    ],
  },
  {
    id: "62",
    title: "roles of a service and a group of services",
    steps: [{ call: "GET /v2/roles?service_name=is&service_group_id=IAM&account_id=${account}", status: 400 }],
  },
];

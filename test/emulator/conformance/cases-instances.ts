/** Cases 63 to 76: virtual servers. */
import { Q, byImage, create, running, remove, gone, end, without } from "./steps";
import type { Case } from "./types";

const target = { default_trusted_profile: { target: { id: "${otherProfile}" } } };

export const instanceCases: readonly Case[] = [
  {
    id: "63",
    title: "instance without a metadata service",
    steps: [
      create({ user_data: "#!/bin/sh\n", keys: [{ id: "${key}" }], ...target }, 201, {
        body: {
          status: "pending",
          metadata_service: { enabled: false, protocol: "http", response_hop_limit: 1 },
        },
        absent: ["default_trusted_profile", "user_data", "keys"],
      }),
      ...end,
    ],
  },
  {
    id: "64",
    title: "limits of the metadata service",
    steps: [
      create({ metadata_service: { response_hop_limit: 0 } }, 400),
      create({ metadata_service: { response_hop_limit: 65 } }, 400),
      create({ metadata_service: { protocol: "tcp" } }, 400),
      create({ metadata_service: { response_hop_limit: 1 } }, 201, {
        body: { metadata_service: { response_hop_limit: 1 } },
      }),
      ...end,
      create({ metadata_service: { response_hop_limit: 64 } }, 201, {
        body: { metadata_service: { response_hop_limit: 64 } },
      }),
      ...end,
    ],
  },
  {
    id: "65",
    title: "version, generation and token",
    steps: [
      { call: "GET /v1/instances?generation=2", status: 400, body: { errors: [{ code: "invalid_version" }] } },
      {
        call: "GET /v1/instances?version=${tomorrow}&generation=2",
        status: 400,
        body: { errors: [{ code: "invalid_version_range" }] },
      },
      {
        call: "GET /v1/instances?version=2025-09-16&generation=1",
        status: 400,
        body: { errors: [{ code: "invalid_generation_parameter" }] },
      },
      { call: `GET /v1/instances?${Q}`, token: null, status: 401, body: { errors: [{ code: "/^token_/" }] } },
    ],
  },
  {
    id: "66",
    title: "attachment or interface, never both, never none",
    steps: [
      create({ primary_network_interface: { subnet: { id: "${subnet}" } } }, 400),
      { ...create({}, 400), json: without(byImage, "primary_network_attachment") },
    ],
  },
  { id: "67", title: "user data of 65 537 bytes", steps: [create({ user_data: "x".repeat(65_537) }, 400)] },
  {
    id: "68",
    title: "names of instances",
    steps: [
      create({}),
      create({}, 400, {
        body: {
          errors: [
            {
              code: "/^(validation_unique_failed|instance_name_exists)$/",
              target: { name: "name", type: "field", value: "case-${run}-${n}" },
            },
          ],
        },
      }),
      create({ name: "My-VM" }, 400),
      ...end,
    ],
  },
  {
    id: "69",
    title: "default profile is linked unless told otherwise",
    steps: [
      create(target),
      {
        call: `GET /v1/instances/\${i}/initialization?${Q}`,
        status: 200,
        body: {
          default_trusted_profile: {
            auto_link: true,
            target: { id: "${otherProfile}", crn: "${otherProfileCrn}", resource_type: "trusted_profile" },
          },
        },
      },
      {
        call: "GET /v1/profiles/${otherProfile}/links",
        status: 200,
        body: { links: { $: "only", item: { cr_type: "VSI", link: { crn: "${iCrn}" } } } },
        withinSeconds: 60,
      },
      ...end,
    ],
  },
  {
    id: "70",
    title: "default profile that is not linked",
    steps: [
      create({ default_trusted_profile: { auto_link: false, target: { id: "${otherProfile}" } } }),
      {
        call: `GET /v1/instances/\${i}/initialization?${Q}`,
        status: 200,
        body: { default_trusted_profile: { auto_link: false } },
      },
      { call: "GET /v1/profiles/${otherProfile}/links", status: 200, lacks: ["${iCrn}"] },
      ...end,
    ],
  },
  {
    id: "71",
    title: "ways to name the default profile",
    steps: [
      create({ default_trusted_profile: { target: { href: "https://iam.cloud.ibm.com/v1/profiles/x" } } }, 400),
      create({ default_trusted_profile: { target: { id: "${otherProfile}", crn: "${otherProfileCrn}" } } }, 400),
    ],
  },
  {
    id: "72",
    title: "the default profile cannot be patched",
    steps: [
      create(target),
      { call: `PATCH /v1/instances/\${i}?${Q}`, json: { default_trusted_profile: { auto_link: false } }, status: 400 },
      {
        call: `GET /v1/instances/\${i}/initialization?${Q}`,
        status: 200,
        body: { default_trusted_profile: { auto_link: true } },
      },
      ...end,
    ],
  },
  {
    id: "73",
    title: "patch the metadata service",
    steps: [
      create({ metadata_service: { protocol: "https", response_hop_limit: 3 } }),
      {
        call: `PATCH /v1/instances/\${i}?${Q}`,
        headers: { "Content-Type": "application/merge-patch+json" },
        json: { metadata_service: { enabled: true } },
        status: 200,
        body: { metadata_service: { enabled: true, protocol: "https", response_hop_limit: 3 } },
      },
      {
        call: `PATCH /v1/instances/\${i}?${Q}`,
        headers: { "Content-Type": "application/json" },
        json: { metadata_service: { enabled: false } },
        status: 200,
        body: { metadata_service: { enabled: false, protocol: "https", response_hop_limit: 3 } },
      },
      ...end,
    ],
  },
  {
    id: "74",
    title: "initialization holds no user data",
    steps: [
      create({ user_data: "#!/bin/sh\n", keys: [{ id: "${key}" }] }),
      {
        call: `GET /v1/instances/\${i}/initialization?${Q}`,
        status: 200,
        body: { keys: [{ id: "${key}" }] },
        absent: ["user_data", "default_trusted_profile"],
      },
      ...end,
    ],
  },
  {
    id: "75",
    title: "actions and states",
    steps: [
      create({}),
      running,
      { call: `POST /v1/instances/\${i}/actions?${Q}`, json: { type: "start" }, status: 409 },
      {
        call: `POST /v1/instances/\${i}/actions?${Q}`,
        json: { type: "stop" },
        status: 201,
        body: { type: "stop", id: "/./", status: "/^(pending|running|completed)$/" },
      },
      { ...running, body: { status: "stopped" } },
      { call: `POST /v1/instances/\${i}/actions?${Q}`, json: { type: "reboot" }, status: 409 },
      remove,
      gone,
    ],
  },
  {
    id: "76",
    title: "delete a server",
    fleeting: true,
    steps: [
      create(target),
      { ...remove, status: 409, body: { errors: [{ code: "instance_delete_conflict" }] } },
      running,
      remove,
      { call: `GET /v1/instances/\${i}?${Q}`, status: 200, body: { status: "deleting" } },
      gone,
      { call: "GET /v1/profiles/${otherProfile}/links", status: 200, lacks: ["${iCrn}"] },
    ],
  },
];

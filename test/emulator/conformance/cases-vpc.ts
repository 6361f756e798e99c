/** Cases 63 to 81: the VPC API. */
import type { Case, Step } from "./types";

/** What every VPC request says. */
const Q = "version=2025-09-16&generation=2";

const byImage = {
  name: "case-${run}-${n}",
  image: { id: "${image}" },
  zone: { name: "${zone}" },
  primary_network_attachment: { virtual_network_interface: { subnet: { id: "${subnet}" } } },
};
const create = (more: object, status = 201, rest: Partial<Step> = {}): Step => ({
  call: `POST /v1/instances?${Q}`,
  json: { ...byImage, ...more },
  status,
  ...(status === 201 ? { save: { i: "id", iCrn: "crn" } } : {}),
  ...rest,
});
const running: Step = {
  call: `GET /v1/instances/\${i}?${Q}`,
  status: 200,
  body: { status: "running", lifecycle_state: "stable" },
  withinSeconds: 600,
};
const remove: Step = { call: `DELETE /v1/instances/\${i}?${Q}`, status: [202, 204] };
const gone: Step = { call: `GET /v1/instances/\${i}?${Q}`, status: 404, withinSeconds: 600 };
const end: readonly Step[] = [running, remove, gone];
const target = { default_trusted_profile: { target: { id: "${otherProfile}" } } };
const without = (value: object, key: string): object =>
  Object.fromEntries(Object.entries(value).filter(([name]) => name !== key));

const template = (name: string, profile: object, save: string): Step => ({
  call: `POST /v1/instance/templates?${Q}`,
  json: { ...byImage, name: `${name}-\${run}`, default_trusted_profile: profile },
  status: 201,
  save: { [save]: "id" },
});
const group = (templateId: string, status: number): Step => ({
  call: `POST /v1/instance_groups?${Q}`,
  json: {
    name: "group-${run}",
    instance_template: { id: templateId },
    subnets: [{ id: "${subnet}" }],
    membership_count: 0,
  },
  status,
  ...(status === 201 ? { save: { g: "id" } } : {}),
});

const bareMetal = (metadata: object, status: number, rest: Partial<Step> = {}): Step => ({
  call: `POST /v1/bare_metal_servers?${Q}`,
  json: {
    name: "metal-${run}",
    initialization: { image: { id: "${image}" }, keys: [{ id: "${key}" }] },
    profile: { name: "bx2-metal-96x384" },
    zone: { name: "${zone}" },
    primary_network_attachment: { virtual_network_interface: { subnet: { id: "${subnet}" } } },
    metadata_service: metadata,
  },
  status,
  ...rest,
});

export const vpcCases: readonly Case[] = [
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
  {
    id: "77",
    title: "networks in use",
    steps: [
      {
        call: `POST /v1/vpcs?${Q}`,
        json: { name: "case-${run}-vpc" },
        status: 201,
        body: { resource_type: "vpc", default_security_group: { id: "/./" }, default_network_acl: { id: "/./" } },
        save: { v: "id" },
      },
      {
        call: `POST /v1/subnets?${Q}`,
        json: {
          name: "case-${run}-subnet",
          vpc: { id: "${v}" },
          zone: { name: "${zone}" },
          total_ipv4_address_count: 256,
        },
        status: 201,
        body: { resource_type: "subnet", total_ipv4_address_count: 256 },
        save: { s: "id" },
      },
      create({ primary_network_attachment: { virtual_network_interface: { subnet: { id: "${s}" } } } }),
      { call: `DELETE /v1/subnets/\${s}?${Q}`, status: 409 },
      { call: `DELETE /v1/vpcs/\${v}?${Q}`, status: 409 },
      ...end,
      { call: `DELETE /v1/subnets/\${s}?${Q}`, status: [202, 204], withinSeconds: 60 },
      { call: `DELETE /v1/vpcs/\${v}?${Q}`, status: [202, 204], withinSeconds: 60 },
    ],
  },
  {
    id: "78",
    title: "floating IP of an interface",
    steps: [
      {
        ...create({}),
        json: {
          ...without(byImage, "primary_network_attachment"),
          primary_network_interface: { subnet: { id: "${subnet}" } },
        },
        save: { i: "id", nic: "primary_network_interface.id" },
      },
      running,
      {
        call: `POST /v1/floating_ips?${Q}`,
        json: { name: "far-${run}", zone: { name: "${otherZone}" } },
        status: 201,
        save: { far: "id" },
      },
      {
        call: `POST /v1/floating_ips?${Q}`,
        json: { name: "near-${run}", zone: { name: "${zone}" } },
        status: 201,
        save: { near: "id" },
      },
      { call: `PUT /v1/instances/\${i}/network_interfaces/\${nic}/floating_ips/\${far}?${Q}`, status: 400 },
      {
        call: `PUT /v1/instances/\${i}/network_interfaces/\${nic}/floating_ips/\${near}?${Q}`,
        status: 201,
        body: { id: "${near}", target: { id: "${nic}" } },
      },
      { call: `DELETE /v1/instances/\${i}/network_interfaces/\${nic}/floating_ips/\${near}?${Q}`, status: 204 },
      { call: `DELETE /v1/floating_ips/\${near}?${Q}`, status: 204 },
      { call: `DELETE /v1/floating_ips/\${far}?${Q}`, status: 204 },
      remove,
      gone,
    ],
  },
  {
    id: "79",
    title: "pages of servers",
    steps: [
      create({}),
      {
        call: `GET /v1/instances?${Q}&limit=1`,
        status: 200,
        body: {
          limit: 1,
          instances: [{}],
          first: { href: "/limit=1/" },
          next: { href: "/[?&]start=/" },
          total_count: "/^[0-9]+$/",
        },
        save: { next: "next.href" },
      },
      { call: "GET ${next}", status: 200, body: { instances: [{}] } },
      { call: `GET /v1/instances?${Q}&limit=100`, status: 200, absent: ["next"] },
      { call: `GET /v1/instances?${Q}&limit=0`, status: 400 },
      { call: `GET /v1/instances?${Q}&limit=101`, status: 400 },
      ...end,
    ],
  },
  {
    id: "80",
    title: "groups and linking templates",
    steps: [
      template("linking", { auto_link: true, target: { id: "${otherProfile}" } }, "t1"),
      template("unset", { target: { id: "${otherProfile}" } }, "t2"),
      template("plain", { auto_link: false, target: { id: "${otherProfile}" } }, "t3"),
      group("${t1}", 400),
      group("${t2}", 400),
      group("${t3}", 201),
      { call: `DELETE /v1/instance_groups/\${g}?${Q}`, status: [202, 204] },
      { call: `GET /v1/instance_groups/\${g}?${Q}`, status: 404, withinSeconds: 600 },
      ...["t1", "t2", "t3"].map((id): Step => ({
        call: `DELETE /v1/instance/templates/\${${id}}?${Q}`,
        status: 204,
      })),
    ],
  },
  {
    id: "81",
    title: "bare metal servers",
    steps: [
      bareMetal({ enabled: true, response_hop_limit: 2 }, 400),
      bareMetal({ enabled: true }, 201, {
        body: { resource_type: "bare_metal_server", metadata_service: { enabled: true, protocol: "http" } },
        save: { b: "id" },
      }),
      {
        call: `GET /v1/bare_metal_servers/\${b}?${Q}`,
        status: 200,
        body: { status: "running" },
        withinSeconds: 3600,
      },
      { call: `POST /v1/bare_metal_servers/\${b}/stop?${Q}`, json: { type: "hard" }, status: 204 },
      {
        call: `GET /v1/bare_metal_servers/\${b}?${Q}`,
        status: 200,
        body: { status: "stopped" },
        withinSeconds: 3600,
      },
      { call: `DELETE /v1/bare_metal_servers/\${b}?${Q}`, status: 202 },
      { call: `GET /v1/bare_metal_servers/\${b}?${Q}`, status: 404, withinSeconds: 3600 },
    ],
  },
];

/** Cases 77 to 81: networks, addresses, lists, groups and bare metal servers. */
import { Q, byImage, create, running, remove, gone, end, without } from "./steps";
import type { Case, Step } from "./types";

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

export const networkCases: readonly Case[] = [
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
      create({ name: "second-${run}-${n}" }, 201, { save: { j: "id" } }),
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
      ...[running, remove, gone].map((step) => ({ ...step, call: step.call.replace("${i}", "${j}") })),
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

/** What a server is made of, in the words of the API: every form, ids and CRNs, and nothing that was not given. */
import { type InstancePrototype, prototypeBody } from "../../client/vpc-instance-prototype";

const sent = (prototype: InstancePrototype): unknown => JSON.parse(JSON.stringify(prototypeBody(prototype)));

it.each<[string, InstancePrototype, object]>([
  ["nothing", {}, {}],
  ["a template by CRN, which says the rest", { sourceTemplateId: "crn:t" }, { source_template: { crn: "crn:t" } }],
  [
    "a snapshot",
    { bootVolume: { sourceSnapshotId: "r006-s", deleteWithInstance: true } },
    {
      boot_volume_attachment: {
        volume: { profile: { name: "general-purpose" }, source_snapshot: { id: "r006-s" } },
        delete_volume_on_instance_delete: true,
      },
    },
  ],
  [
    "volumes",
    {
      bootVolume: { name: "boot", capacityGb: 120 },
      dataVolumes: [{ capacityGb: 10, profile: "custom", deleteWithInstance: true }, { volumeId: "crn:v" }],
    },
    {
      boot_volume_attachment: { volume: { name: "boot", capacity: 120, profile: { name: "general-purpose" } } },
      volume_attachments: [
        { volume: { capacity: 10, profile: { name: "custom" } }, delete_volume_on_instance_delete: true },
        { volume: { crn: "crn:v" } },
      ],
    },
  ],
  [
    "network attachments",
    {
      primaryNetworkAttachment: { name: "eth0", virtualNetworkInterface: { id: "0717-n" } },
      networkAttachments: [
        {
          virtualNetworkInterface: {
            subnetId: "s",
            allowIpSpoofing: true,
            autoDelete: true,
            enableInfrastructureNat: false,
          },
        },
      ],
    },
    {
      primary_network_attachment: { name: "eth0", virtual_network_interface: { id: "0717-n" } },
      network_attachments: [
        {
          virtual_network_interface: {
            subnet: { id: "s" },
            allow_ip_spoofing: true,
            auto_delete: true,
            enable_infrastructure_nat: false,
          },
        },
      ],
    },
  ],
  [
    "network interfaces of the older kind",
    {
      primaryNetworkInterface: { subnetId: "crn:s", name: "eth0", primaryIp: "10.0.0.1", securityGroupIds: ["g"] },
      networkInterfaces: [{ subnetId: "s" }],
    },
    {
      primary_network_interface: {
        subnet: { crn: "crn:s" },
        name: "eth0",
        primary_ip: { address: "10.0.0.1" },
        security_groups: [{ id: "g" }],
      },
      network_interfaces: [{ subnet: { id: "s" } }],
    },
  ],
  [
    "settings",
    {
      availabilityPolicy: { hostFailure: "stop" },
      totalVolumeBandwidth: 2000,
      enableSecureBoot: false,
      metadataService: { enabled: false },
      defaultTrustedProfile: { target: "Profile-1", autoLink: false },
    },
    {
      availability_policy: { host_failure: "stop" },
      total_volume_bandwidth: 2000,
      enable_secure_boot: false,
      metadata_service: { enabled: false },
      default_trusted_profile: { auto_link: false, target: { id: "Profile-1" } },
    },
  ],
])("%s", (_name, prototype, body) => {
  expect(sent(prototype)).toEqual(body);
});

/** VPC, as IBM's Terraform provider uses it. */
import { startEmulator, type Emulator } from "../../emulator";
import { textOf, type Json } from "./support";
import { expectMembers, needed, newPublicKey, startTerraform, Q, type Terraform } from "./terraform";

describe("the requests of IBM's Terraform provider to VPC", () => {
  let emulator: Emulator;
  let api: Terraform;

  beforeAll(async () => {
    emulator = await startEmulator({ provisionSeconds: 0.1, actionSeconds: 0.05, deleteSeconds: 0.05 });
    api = await startTerraform(emulator);
  });
  afterAll(() => emulator.close());

  it("vpc, subnet, key, instance, template, bare metal server, and all of it away again", async () => {
    const group = { id: emulator.inventory().resourceGroups[0]?.id };
    const network = await api.must(`POST /v1/vpcs?${Q}`, {
      address_prefix_management: "auto",
      classic_access: false,
      name: "tf",
      resource_group: group,
    });
    const vpcId = textOf(network.id);
    const vpcMembers = ["default_security_group", "default_routing_table", "default_network_acl"];
    expectMembers(network, "crn", ...vpcMembers.flatMap((name) => [`${name}.id`, `${name}.name`, `${name}.crn`]));
    expectMembers(
      await api.vpc(`vpcs/${vpcId}`),
      "status",
      "classic_access",
      "resource_group.name",
      "cse_source_ips[].ip.address",
      "dns.resolver.type",
      "public_address_ranges",
    );
    expectMembers(
      await api.vpc(`vpcs/${vpcId}/address_prefixes`),
      "address_prefixes[].zone.name",
      "address_prefixes[].cidr",
      "address_prefixes[].is_default",
    );
    await api.tags(network.crn);
    expectMembers(
      await api.vpc("subnets"),
      "subnets[].vpc.id",
      "subnets[].status",
      "subnets[].total_ipv4_address_count",
    );
    expectMembers(
      await api.vpc(`security_groups?vpc.id=${vpcId}`),
      "security_groups[].rules[].direction",
      "security_groups[].rules[].protocol",
      "security_groups[].rules[].remote",
      "security_groups[].rules[].ip_version",
    );
    await api.must(`PATCH /v1/vpcs/${vpcId}?${Q}`, { name: "tf-renamed" });

    const zone = { name: `${emulator.region}-1` };
    const subnet = await api.must(`POST /v1/subnets?${Q}`, {
      name: "tf",
      vpc: { id: vpcId },
      zone,
      total_ipv4_address_count: 16,
    });
    const subnetId = textOf(subnet.id);
    expectMembers(
      await api.vpc(`subnets/${subnetId}`),
      "crn",
      "routing_table.id",
      "routing_table.crn",
      "network_acl.id",
      "available_ipv4_address_count",
      "ip_version",
      "ipv4_cidr_block",
      "resource_group.name",
    );

    const rsa = newPublicKey();
    const key = await api.must(`POST /v1/keys?${Q}`, { name: "tf", public_key: `${rsa} comment`, type: "rsa" });
    const keyPath = `keys/${textOf(key.id)}`;
    expectMembers(await api.vpc(keyPath), "fingerprint", "length", "href", "resource_group.id");
    expect((await api.vpc(keyPath)).public_key).toBe(rsa);
    await api.must(`PATCH /v1/${keyPath}?${Q}`, { name: "tf-key" });

    const images = await api.vpc("images?name=ibm-debian-12-minimal-amd64-1");
    expectMembers(
      images,
      "images[].id",
      "images[].crn",
      "images[].status",
      "images[].operating_system.architecture",
      "images[].file",
    );
    const image = { id: (images.images as unknown as Json[])[0]?.id };
    const profile = await api.profile("tf-server");
    const prototype = {
      profile: { name: "bx2-2x8" },
      vpc: { id: vpcId },
      zone,
      image,
      keys: [{ id: key.id }],
      user_data: "#!/bin/sh\n",
      resource_group: group,
      metadata_service: { enabled: true, protocol: "http", response_hop_limit: 2 },
      default_trusted_profile: { target: { id: profile.id } },
    };
    const byInterface = { primary_network_interface: { subnet: { id: subnetId }, allow_ip_spoofing: false } };
    const byAttachment = {
      primary_network_attachment: { name: "eth0", virtual_network_interface: { subnet: { id: subnetId } } },
    };
    const created = await api.must(`POST /v1/instances?${Q}`, { name: "tf", ...prototype, ...byAttachment });
    const path = `instances/${textOf(created.id)}`;
    await api.status(path, "running");
    const readInstance = async (): Promise<Json> => {
      const instance = await api.vpc(path);
      expectMembers(instance, "crn", "name", "vpc.id", "zone.name", "profile.name", "image.id", "resource_group.name");
      expectMembers(
        instance,
        "metadata_service.enabled",
        "metadata_service.protocol",
        "metadata_service.response_hop_limit",
      );
      const initialization = await api.vpc(`${path}/initialization`);
      expectMembers(
        initialization,
        "default_trusted_profile.target.id",
        "default_trusted_profile.auto_link",
        "keys[].id",
      );
      const nic = needed(instance.primary_network_interface);
      expectMembers(
        nic,
        "id",
        "name",
        "primary_ip.id",
        "primary_ip.address",
        "primary_ip.href",
        "primary_ip.resource_type",
        "subnet.id",
      );
      const ip = textOf(nic.primary_ip?.id);
      expectMembers(await api.vpc(`subnets/${subnetId}/reserved_ips/${ip}`), "auto_delete", "address");
      expectMembers(
        await api.vpc(`${path}/network_interfaces/${textOf(nic.id)}`),
        "allow_ip_spoofing",
        "subnet.id",
        "security_groups[].id",
      );
      const attachment = needed(instance.primary_network_attachment);
      expectMembers(attachment, "id", "name", "primary_ip.id", "subnet.id", "resource_type");
      const full = await api.vpc(`${path}/network_attachments/${textOf(attachment.id)}`);
      expectMembers(
        full,
        "virtual_network_interface.id",
        "virtual_network_interface.crn",
        "virtual_network_interface.resource_type",
      );
      const vni = await api.vpc(`virtual_network_interfaces/${textOf(full.virtual_network_interface?.id)}`);
      expectMembers(vni, "resource_group.id", "primary_ip.id", "auto_delete", "ips[].id", "security_groups[].id");
      const boot = textOf(instance.boot_volume_attachment?.id);
      expectMembers(await api.vpc(`${path}/volume_attachments/${boot}`), "delete_volume_on_instance_delete", "type");
      const volume = textOf(instance.boot_volume_attachment?.volume?.id);
      expectMembers(await api.vpc(`volumes/${volume}`), "capacity", "iops", "profile.name");
      await api.tags(instance.crn);
      return instance;
    };
    const first = await readInstance();
    expect(await readInstance()).toEqual(first);
    await api.must(
      `PATCH /v1/${path}?${Q}`,
      { name: "tf-renamed" },
      { headers: { "Content-Type": "application/merge-patch+json" } },
    );
    await api.must(`PATCH /v1/${path}?${Q}`, { metadata_service: { response_hop_limit: 3 } });
    expect((await readInstance()).metadata_service).toEqual({
      enabled: true,
      protocol: "http",
      response_hop_limit: 3,
    });

    const template = await api.must(`POST /v1/instance/templates?${Q}`, { name: "tf", ...prototype, ...byInterface });
    const templatePath = `instance/templates/${textOf(template.id)}`;
    const shown = await api.vpc(templatePath);
    expectMembers(
      shown,
      "primary_network_interface.name",
      "crn",
      "href",
      "resource_group.id",
      "user_data",
      "keys[].id",
    );
    expect(shown.metadata_service).toEqual(prototype.metadata_service);
    expect(shown.default_trusted_profile).toMatchObject({ auto_link: true, target: { id: profile.id } });

    const metal = await api.must(`POST /v1/bare_metal_servers?${Q}`, {
      name: "tf",
      profile: { name: "bx2-metal-96x384" },
      vpc: { id: vpcId },
      zone,
      initialization: {
        image,
        keys: prototype.keys,
        default_trusted_profile: { auto_link: true, target: { crn: profile.crn } },
      },
      metadata_service: { enabled: true },
      primary_network_interface: { interface_type: "pci", enable_infrastructure_nat: true, subnet: { id: subnetId } },
    });
    const metalPath = `bare_metal_servers/${textOf(metal.id)}`;
    await api.status(metalPath, "running");
    expectMembers(
      await api.vpc(`${metalPath}/initialization`),
      "default_trusted_profile.target.id",
      "image.id",
      "keys[].id",
      "user_accounts",
    );
    const metalNic = textOf((await api.vpc(metalPath)).primary_network_interface?.id);
    expectMembers(await api.vpc(`${metalPath}/network_interfaces/${metalNic}`), "interface_type", "primary_ip.id");
    expect((await api.get(`/v1/profiles/${profile.id}/links`)).links).toHaveLength(2);

    await api.must(`POST /v1/${metalPath}/stop?${Q}`, { type: "hard" });
    await api.status(metalPath, "stopped");
    await api.must(`DELETE /v1/${metalPath}?${Q}`);
    await api.gone(metalPath);
    await api.must(`DELETE /v1/${templatePath}?${Q}`);
    const boot = textOf(first.boot_volume_attachment?.volume?.id);
    expectMembers(
      await api.must(`POST /v1/${path}/actions?${Q}`, { type: "stop" }),
      "id",
      "href",
      "created_at",
      "status",
      "type",
    );
    await api.status(path, "stopped");
    expectMembers(
      await api.vpc(`${path}/volume_attachments`),
      "volume_attachments[].type",
      "volume_attachments[].delete_volume_on_instance_delete",
      "volume_attachments[].volume.id",
    );
    await api.must(`DELETE /v1/${path}?${Q}`);
    await api.gone(path);
    await api.gone(`volumes/${boot}`);
    expect((await api.get(`/v1/profiles/${profile.id}/links`)).links).toEqual([]);
    await api.must(`DELETE /v1/${keyPath}?${Q}`);
    await api.must(`DELETE /v1/subnets/${subnetId}?${Q}`);
    await api.gone(`subnets/${subnetId}`);
    await api.must(`DELETE /v1/vpcs/${vpcId}?${Q}`);
    await api.gone(`vpcs/${vpcId}`);
    expect(emulator.inventory().securityGroups).toHaveLength(1);
  });

  it("security group with rules", async () => {
    const vpcId = emulator.inventory().vpcs[0]?.id;
    const group = await api.must(`POST /v1/security_groups?${Q}`, { name: "tf-group", vpc: { id: vpcId } });
    const path = `security_groups/${textOf(group.id)}`;
    const rule = await api.must(`POST /v1/${path}/rules?${Q}`, {
      direction: "inbound",
      ip_version: "ipv4",
      protocol: "tcp",
      port_min: 443,
      port_max: 443,
      remote: { cidr_block: "0.0.0.0/0" },
    });
    const rulePath = `${path}/rules/${textOf(rule.id)}`;
    expectMembers(await api.vpc(rulePath), "direction", "ip_version", "protocol", "port_min", "remote.cidr_block");
    await api.must(`PATCH /v1/${rulePath}?${Q}`, { port_max: 444 });
    expect((await api.vpc(rulePath)).port_max).toBe(444);
    expectMembers(await api.vpc(`${path}/targets`), "targets");
    await api.must(`DELETE /v1/${rulePath}?${Q}`);
    await api.must(`DELETE /v1/${path}?${Q}`);
  });
});

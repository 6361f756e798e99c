/** Errors that show on a server, made to really happen on a booted one; each returns what `vpc-identity doctor` says there. */
import { type BootedServer, type Emulator, bootInstance } from "../../emulator";
import type { Project } from "../support/project";
import { projectWithStack } from "./stack";

const PROGRAM = `
import { Instance, Subnet, TrustedProfile, Vpc, bootstrapUserData, getImageOutput } from "pulumi-ibm-vpc-identity";
const [zone, vpc] = ["us-south-1", new Vpc("mishap")];
const base = {
  vpcId: vpc.id,
  subnetId: new Subnet("mishap", { vpcId: vpc.id, zone, totalIpv4AddressCount: 256 }).id,
  zone,
  imageId: getImageOutput({ operatingSystem: "debian-12-amd64", visibility: "public" }).imageId,
  instanceProfile: "bx2-2x8",
  metadataService: {},
  userData: bootstrapUserData({ certificate: false, firstBootSeconds: 0, retrySeconds: 0 }),
};
new Instance("nobody", { ...base, name: "nobody" });
const target = new TrustedProfile("mishap").id;
new Instance("stranger", { ...base, name: "stranger", defaultTrustedProfile: { target, autoLink: false } });
`;

type ServerName = "nobody" | "stranger";

/** Two servers: one without a default trusted profile, one whose profile is not linked to it. */
class Servers {
  private readonly booted = new Map<string, BootedServer>();

  private constructor(
    private readonly emulator: Emulator,
    private readonly project: Project,
  ) {}

  static async on(emulator: Emulator): Promise<Servers> {
    const servers = new Servers(emulator, await projectWithStack(PROGRAM, emulator.env));
    const { exitCode, output } = await servers.project.up();
    if (exitCode !== 0) throw new Error(output);
    return servers;
  }

  async boot(name: ServerName): Promise<void> {
    const { socket = "" } = this.instance(name) ?? {};
    this.booted.set(name, await bootInstance({ socket, rootCertificate: this.emulator.rootCertificate }));
  }

  /** What the doctor on a server says, after `prepare`. */
  async doctorOf(name: ServerName, doctor = "vpc-identity doctor"): Promise<string> {
    const result = await this.booted.get(name)?.exec(["sh", "-c", doctor]);
    return `${result?.stdout ?? ""}${result?.stderr ?? ""}`;
  }

  /** Changes the metadata service of a server by the VPC API. */
  async setMetadataService(name: ServerName, metadataService: object): Promise<void> {
    const { url, apiKey } = this.emulator;
    const form = new URLSearchParams({ grant_type: "urn:ibm:params:oauth:grant-type:apikey", apikey: apiKey });
    const login = await fetch(`${url}/identity/token`, { method: "POST", body: form });
    const { access_token: token } = (await login.json()) as { access_token: string };
    const { status } = await fetch(
      `${url}/v1/instances/${this.instance(name)?.id ?? ""}?version=2025-08-26&generation=2`,
      {
        method: "PATCH",
        headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/merge-patch+json" },
        body: JSON.stringify({ metadata_service: metadataService }),
      },
    );
    if (status !== 200) throw new Error(`the metadata service was not changed: ${status}`);
  }

  private instance(name: ServerName): { id: string; socket: string } | undefined {
    return this.emulator.inventory().instances.find((instance) => instance.name === name);
  }

  async close(): Promise<void> {
    for (const server of this.booted.values()) await server.shutdown();
    this.project.remove();
  }
}

/** On a machine that is a container itself, the doctor of a booted server must not take the server for one; and the reverse. */
const OUTSIDE =
  "sed 's#/[^ ]*[.]\\(docker\\|container\\)env#/none#g' $(command -v vpc-identity) >/tmp/doctor && sh /tmp/doctor doctor";
const INSIDE = ">/run/.containerenv && vpc-identity doctor";

/** By the heading in docs/troubleshooting.md. What waits for an answer that does not come waits together. */
export async function serverMishaps(emulator: Emulator): Promise<Record<string, string>> {
  const servers = await Servers.on(emulator);
  try {
    await Promise.all([servers.boot("nobody"), servers.boot("stranger")]);
    const [unlinked, missing] = [await servers.doctorOf("stranger"), await servers.doctorOf("nobody")];
    await servers.setMetadataService("nobody", { protocol: "https" });
    await servers.setMetadataService("stranger", { enabled: false });
    const [protocol, off, hops] = await Promise.all([
      servers.doctorOf("nobody"),
      servers.doctorOf("stranger", OUTSIDE),
      servers.doctorOf("stranger", INSIDE),
    ]);
    return {
      "The profile is not linked": unlinked,
      "No default trusted profile": missing,
      "Another protocol": protocol,
      "The metadata service is off": off,
      "No answer in a container": hops,
    };
  } finally {
    await servers.close();
  }
}

/** Bare metal servers of the VPC API: bodies, and which calls are repeated when their answer is lost. */
import {
  createBareMetalServer,
  deleteBareMetalServer,
  getBareMetalInitialization,
  reinitializeBareMetalServer,
  stopBareMetalServer,
} from "../../client/vpc-bare-metal";
import {
  sessionOn,
  startServer,
  withTokens,
  type OpenedSession,
  type Script,
  type ScriptedServer,
} from "./scripted-server";

let server: ScriptedServer;
let session: OpenedSession;

async function serve(script: Script): Promise<void> {
  server = await startServer(withTokens(script));
  session = sessionOn(server);
}
afterEach(async () => {
  await session.transport.close();
  await server.close();
});

const bodies = (): unknown[] =>
  server.to("/v1/").map(({ method, body }) => [method, body === "" ? undefined : (JSON.parse(body) as unknown)]);
const initialization = {
  imageId: "r006-i",
  keyIds: ["r006-k"],
  userData: "#cloud-config\n",
  defaultTrustedProfile: { target: "Profile-1", autoLink: true },
};
const sent = {
  image: { id: "r006-i" },
  keys: [{ id: "r006-k" }],
  user_data: "#cloud-config\n",
  default_trusted_profile: { auto_link: true, target: { id: "Profile-1" } },
};
const wire = {
  id: "0717-b",
  crn: "crn:b",
  name: "web",
  status: "pending",
  profile: { name: "bx2-metal-96x384" },
  vpc: { id: "r006-v" },
  zone: { name: "us-south-1" },
  metadata_service: { enabled: true, protocol: "https" },
};

it("create: the initialization nested, the metadata service without a hop limit", async () => {
  await serve(() => ({ status: 201, body: wire }));
  const made = await createBareMetalServer(session, {
    name: "web",
    profile: "bx2-metal-96x384",
    zone: "us-south-1",
    initialization,
    metadataService: { enabled: true, protocol: "https" },
    tpmMode: "tpm_2",
    primaryNetworkAttachment: { virtualNetworkInterface: { subnetId: "0717-s" } },
  });
  expect(bodies()).toEqual([
    [
      "POST",
      {
        name: "web",
        profile: { name: "bx2-metal-96x384" },
        zone: { name: "us-south-1" },
        initialization: sent,
        metadata_service: { enabled: true, protocol: "https" },
        trusted_platform_module: { mode: "tpm_2" },
        primary_network_attachment: { virtual_network_interface: { subnet: { id: "0717-s" } } },
      },
    ],
  ]);
  expect(made).toMatchObject({ tpmMode: "disabled", enableSecureBoot: false, metadataService: { protocol: "https" } });
});

it("a re-initialisation sends everything, and is not repeated when its answer is lost", async () => {
  await serve(() => ({ instead: "reset" }));
  await expect(reinitializeBareMetalServer(session, "0717-b", initialization)).rejects.toMatchObject({
    code: "IBMID_OUTCOME_UNKNOWN",
  });
  expect(bodies()).toEqual([["PUT", sent]]);
});

it("a stop is repeated when its answer is lost", async () => {
  await serve((_, index) => (index === 1 ? { instead: "reset" } : { status: 204 }));
  await stopBareMetalServer(session, "0717-b", "soft");
  expect(bodies()).toEqual([
    ["POST", { type: "soft" }],
    ["POST", { type: "soft" }],
  ]);
});

it.each([202, 204, 404])("delete: %d is done", async (status) => {
  await serve(() => ({ status, body: status === 404 ? { errors: [{ code: "not_found" }] } : undefined }));
  await expect(deleteBareMetalServer(session, "0717-b")).resolves.toBeUndefined();
});

it("initialization: image, keys and default profile", async () => {
  const target = { id: "Profile-1", crn: "crn:p" };
  await serve(() => ({
    body: { image: { id: "r006-i" }, keys: [{ id: "k" }], default_trusted_profile: { auto_link: false, target } },
  }));
  expect(await getBareMetalInitialization(session, "0717-b")).toStrictEqual({
    imageId: "r006-i",
    keyIds: ["k"],
    defaultTrustedProfile: { autoLink: false, target },
  });
});

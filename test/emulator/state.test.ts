/** State that outlives the process, time that can be moved, and starting and stopping. */
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEmulator, type Emulator, type EmulatorOptions } from "../../emulator";
import { rsa2048 } from "./conformance/requests";
import { Api, IDENTITY, textOf, until, VPC } from "./support";

describe("an emulator with a state file", () => {
  let folder: string;
  let stateFile: string;
  const running: Emulator[] = [];
  const start = async (options: EmulatorOptions = {}): Promise<Emulator> => {
    const emulator = await startEmulator({ provisionSeconds: 0, deleteSeconds: 0, ...options });
    running.push(emulator);
    return emulator;
  };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "emulator-state-"));
    stateFile = join(folder, "state.json");
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((emulator) => emulator.close()));
    rmSync(folder, { recursive: true, force: true });
  });

  it("continues where it was, with the same keys, servers and endpoints of them", async () => {
    const first = await start({ stateFile });
    const api = await new Api(first).logIn();
    const profile = await api.profile("kept");
    const server = await api.server({ name: "kept", default_trusted_profile: { target: { id: profile.id } } });
    const before = first.inventory();
    await first.close();
    expect(existsSync(server.socket)).toBe(false);
    expect(statSync(stateFile).mode & 0o777).toBe(0o600);

    const second = await start({ stateFile });
    expect(second.apiKey).toBe(first.apiKey);
    expect(second.rootCertificate).toBe(first.rootCertificate);
    const strip = (list: readonly { url?: unknown }[]): object[] =>
      list.map((item) => ({ ...item, url: "", socket: "" }));
    expect(strip(second.inventory().instances)).toEqual(strip(before.instances));
    expect({ ...second.inventory(), instances: [] }).toEqual({ ...before, instances: [] });
    const again = new Api(second);
    again.token = api.token;
    expect((await again.send(`GET /v1/profiles/${profile.id}`)).status).toBe(200);
    expect(await again.serverToken(second.inventory().instances[0]?.url ?? "")).toMatch(/^eyJ/);
  });

  it("has on the disk what it has answered, and leaves no other file", async () => {
    const emulator = await start({ stateFile });
    const api = await new Api(emulator).logIn();
    const names = Array.from({ length: 20 }, (_, index) => `together ${index}`);
    await Promise.all(
      names.map(async (name) => {
        await api.profile(name);
        expect(readFileSync(stateFile, "utf8")).toContain(name);
      }),
    );
    expect(readdirSync(folder)).toEqual(["state.json"]);
  });

  it("refuses a file that is no state, and leaves it alone", async () => {
    writeFileSync(stateFile, "{}");
    await expect(start({ stateFile })).rejects.toThrow("is no emulator state of format 1; remove the file to start");
    expect(readFileSync(stateFile, "utf8")).toBe("{}");
  });

  it("closes a state that others can read when it next writes", async () => {
    const emulator = await start({ stateFile });
    chmodSync(stateFile, 0o644);
    await (await new Api(emulator).logIn()).profile("again");
    expect(statSync(stateFile).mode & 0o777).toBe(0o600);
  });
});

describe("time", () => {
  it("can be moved, and lives that are shorter than asked for can be watched", async () => {
    const emulator = await startEmulator({
      provisionSeconds: 3600,
      seed: { issuedLifetimes: { identityToken: 3, iamToken: 4, certificate: 5 } },
    });
    try {
      const api = await new Api(emulator).logIn();
      const profile = await api.profile("short");
      const created = api.server({ default_trusted_profile: { target: { id: profile.id } } });
      await until(() => emulator.inventory().instances[0]?.status === "pending");
      await api.admin("POST /_emulator/time", { advanceSeconds: 3601 });
      const server = await created;
      const ask = (path: string, json: object, token: string | null): ReturnType<Api["send"]> =>
        api.send(`${path.startsWith("PUT") ? path : `POST ${path}`}?${IDENTITY}`, json, {
          token,
          headers: { "Metadata-Flavor": "ibm" },
        });
      const identity = await ask(`PUT ${server.url}/identity/v1/token`, { expires_in: 600 }, null);
      expect(identity.body.expires_in).toBe(3);
      const token = textOf(identity.body.access_token);
      const iam = await ask(`${server.url}/identity/v1/iam_tokens`, {}, token);
      expect(iam.body.expires_in).toBe(4);
      const leaf = await ask(`${server.url}/identity/v1/certificates`, { csr: rsa2048 }, token);
      expect(leaf.body.expires_in).toBe(5);
      emulator.advance(4);
      expect((await ask(`${server.url}/identity/v1/iam_tokens`, {}, token)).status).toBe(401);
      const { status } = await api.send(`GET /v1/instances?${VPC}`, undefined, {
        token: textOf(iam.body.access_token),
      });
      expect(status).toBe(401);
    } finally {
      await emulator.close();
    }
  });

  it.each([[-1], ["1"], [Number.NaN], [undefined]])("cannot be moved by %p", async (advanceSeconds) => {
    const emulator = await startEmulator();
    try {
      const { status } = await new Api(emulator).admin("POST /_emulator/time", { advanceSeconds });
      expect(status).toBe(400);
    } finally {
      await emulator.close();
    }
  });
});

describe("starting and stopping", () => {
  it("resets to how it was", async () => {
    const emulator = await startEmulator({ provisionSeconds: 0 });
    try {
      const before = emulator.inventory();
      const api = await new Api(emulator).logIn();
      await api.profile("gone");
      const server = await api.server();
      await api.admin("POST /_emulator/reset");
      const ids = (inventory: ReturnType<Emulator["inventory"]>): unknown =>
        Object.entries(inventory).map(([kind, rows]) => [kind, (rows as { id: string }[]).map((row) => row.id)]);
      expect(ids(emulator.inventory())).toEqual(ids(before));
      expect(existsSync(server.socket)).toBe(false);
      expect(emulator.journal()).toEqual([]);
      await new Api(emulator).logIn();
    } finally {
      await emulator.close();
    }
  });

  it("says that a port is taken, and leaves nothing behind", async () => {
    const emulator = await startEmulator();
    const port = Number(new URL(emulator.url).port);
    await expect(startEmulator({ port })).rejects.toThrow("EADDRINUSE");
    await expect(startEmulator({ adminPort: port })).rejects.toThrow("EADDRINUSE");
    await emulator.close();
    const again = await startEmulator({ port });
    expect(again.url).toBe(emulator.url);
    await again.close();
  });

  it.each([
    ["accountId", { accountId: "abc" }, 'seed.accountId is "abc"; must be 32 hex digits'],
    ["region", { region: "moon" }, /seed.region is "moon"; must be one of au-syd/],
    ["apiKey", { apiKey: "short" }, "seed.apiKey must have at least 32 characters"],
  ])("refuses a seed with a bad %s", async (_name, seed, message) => {
    await expect(startEmulator({ seed })).rejects.toThrow(message);
  });

  it("holds hundreds of servers, each with its own identity", async () => {
    const emulator = await startEmulator({ provisionSeconds: 0 });
    try {
      const api = await new Api(emulator).logIn();
      const { subnets, images } = emulator.inventory();
      const template = await api.must(`POST /v1/instance/templates?${VPC}`, {
        name: "many",
        image: { id: images[0]?.id },
        zone: { name: subnets[0]?.zone },
        primary_network_attachment: { virtual_network_interface: { subnet: { id: subnets[0]?.id } } },
        metadata_service: { enabled: true },
      });
      const group = await api.must(`POST /v1/instance_groups?${VPC}`, {
        name: "many",
        instance_template: { id: template.id },
        subnets: subnets.map((subnet) => ({ id: subnet.id })),
        membership_count: 300,
      });
      const members = emulator.inventory().instances;
      expect(members).toHaveLength(300);
      expect(new Set(members.map((member) => member.zone)).size).toBe(3);
      const tokens = await Promise.all(
        [0, 150, 299].map(async (index) => {
          const { url, id } = members[index] ?? { url: "", id: "" };
          const body = await api.must(
            `PUT ${url}/identity/v1/token?${IDENTITY}`,
            {},
            {
              token: null,
              headers: { "Metadata-Flavor": "ibm" },
            },
          );
          const claims = textOf(body.access_token).split(".")[1] ?? "";
          return [
            id,
            (JSON.parse(Buffer.from(claims, "base64url").toString()) as { iaas: { instanceID: string } }).iaas
              .instanceID,
          ];
        }),
      );
      for (const [id, claimed] of tokens) expect(claimed).toBe(id);
      await api.must(`PATCH /v1/instance_groups/${textOf(group.id)}?${VPC}`, { membership_count: 2 });
      emulator.advance(1);
      expect(emulator.inventory().instances).toHaveLength(2);
      expect(emulator.inventory().instanceGroups).toMatchObject([{ membership_count: 2, status: "healthy" }]);
    } finally {
      await emulator.close();
    }
  });
});

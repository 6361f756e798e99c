/** Nothing is lost when `up` is cut off: killed, or left without the cloud it talks to. */
import { createServer, connect, type Server, type Socket } from "node:net";
import { startEmulator, type Emulator } from "../../emulator";
import { Project, seededConfig, until } from "../support/project";

let emulator: Emulator;
let project: Project;

async function begin(env: (emulator: Emulator) => Record<string, string> = (cloud) => cloud.env): Promise<void> {
  emulator = await startEmulator();
  project = Project.ofExample("linked-instance", env(emulator));
  await project.engine("stack", "init", "dev", "--no-select");
  for (const [key, value] of Object.entries(seededConfig(emulator))) {
    await project.engine("config", "set", "--stack", "dev", key, value);
  }
}

afterEach(async () => {
  await emulator.close();
  project.remove();
});

/** Ids of what the stack made, by kind, in the account and in the state. */
async function expectOneOfEverything(): Promise<void> {
  const { profiles, policies, instances } = emulator.inventory();
  expect({ profiles: profiles.length, policies: policies.length, instances: instances.length }).toEqual({
    profiles: 1,
    policies: 1,
    instances: 1,
  });
  const ids = (await project.resources()).map(({ id }) => id);
  expect(ids).toEqual(expect.arrayContaining([profiles[0]?.id, policies[0]?.id, instances[0]?.id]));
}

describe("SIGKILL of the engine", () => {
  it.each([
    ["after the profile was made", "POST", "/v1/profiles"],
    ["after the policy was made", "POST", "/v2/policies"],
    ["after the server was made", "POST", "/v1/instances"],
    ["while the server is starting", "GET", "/v1/instances/"],
  ])("%s: the next run ends with exactly one of everything", async (_when, method, path) => {
    await begin();
    const { child, done } = project.start(`${__dirname}/../../engine/bin/pulumi`, [
      "up",
      "--yes",
      "--skip-preview",
      "--non-interactive",
      "--stack",
      "dev",
    ]);
    await until(`${method} ${path}`, () =>
      emulator.journal().some((call) => call.method === method && call.path.startsWith(path)),
    );
    child.kill("SIGKILL");
    expect((await done).exitCode).toBeNull();

    const locked = await project.up();
    expect(locked.exitCode).not.toBe(0);
    expect(locked.output).toContain("locked");
    expect((await project.engine("cancel", "--yes", "--stack", "dev")).exitCode).toBe(0);

    const { exitCode, output } = await project.up();
    expect([exitCode, output]).toEqual([0, expect.any(String)]);
    await expectOneOfEverything();
    expect((await project.engine("destroy", "--yes", "--skip-preview", "--stack", "dev")).exitCode).toBe(0);
    expect(emulator.inventory().instances).toEqual([]);
    expect(emulator.inventory().profiles).toEqual([]);
  });
});

describe("the cloud gone in the middle of up", () => {
  it("is a clear error; the next up goes on without duplicates", async () => {
    const relay = new Relay();
    await begin((cloud) => {
      const port = relay.listen(Number(new URL(cloud.url).port));
      return Object.fromEntries(
        Object.entries(cloud.env).map(([name, value]) => [name, value.replace(cloud.url, port)]),
      );
    });
    const running = project.start(process.execPath, [
      `${__dirname}/../../engine/bin/pulumi`,
      ..."up --yes --skip-preview --non-interactive --stack dev".split(" "),
    ]);
    await until("the profile", () =>
      emulator.journal().some(({ method, path }) => method === "POST" && path.startsWith("/v1/profiles")),
    );
    relay.cut();
    const cutOff = await running.done;
    expect(cutOff.exitCode).not.toBe(0);
    expect(cutOff.output).toMatch(/ECONNREFUSED|ECONNRESET|could not reach|other side closed/);

    relay.mend();
    const again = await project.up();
    expect([again.exitCode, again.output]).toEqual([0, expect.any(String)]);
    await expectOneOfEverything();
    relay.close();
  });
});

/** A TCP relay on a port of its own that can be cut and mended, as a network can. */
class Relay {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #target = 0;
  #open = true;

  constructor() {
    this.#server = createServer((client) => {
      if (!this.#open) {
        client.destroy();
        return;
      }
      const cloud = connect(this.#target, "127.0.0.1");
      for (const socket of [client, cloud]) {
        this.#sockets.add(socket);
        socket.on("error", () => socket.destroy());
        socket.on("close", () => this.#sockets.delete(socket));
      }
      client.pipe(cloud).pipe(client);
    });
    // Chosen before anything listens on it, so that the address is known at once.
    this.#server.listen(0, "127.0.0.1");
  }

  listen(target: number): string {
    this.#target = target;
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("the relay does not listen");
    return `http://127.0.0.1:${address.port}`;
  }

  cut(): void {
    this.#open = false;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend(): void {
    this.#open = true;
  }

  close(): void {
    this.cut();
    this.#server.close();
  }
}

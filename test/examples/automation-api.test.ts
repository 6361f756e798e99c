/** Every example, deployed, changed and destroyed by a Node program with Pulumi's Automation API. */
import type { Stack } from "@pulumi/pulumi/automation";
import { Api } from "../emulator/support";
import { Example } from "./example";
import { LIVES, valuesOf } from "./lives";
import { settingsOf } from "./readme";

// Each step starts a process or two, on a machine that may have others to run.
jest.setTimeout(240_000);

describe.each(LIVES)("$name", ({ name, change }) => {
  let example: Example;
  let stack: Stack;
  let servers: string[];
  let before: unknown;
  const up = async (settings: Record<string, string>): Promise<string[]> => {
    await stack.setAllConfig(Object.fromEntries(Object.entries(settings).map(([key, value]) => [key, { value }])));
    const { summary } = await stack.up();
    return Object.keys(summary.resourceChanges ?? {});
  };

  beforeAll(async () => {
    example = await Example.of(name);
    const api = await new Api(example.emulator).logIn();
    const others = name === "existing-instances" ? [await api.server(), await api.server()] : [];
    servers = others.map(({ id }) => id);
    before = example.emulator.inventory();
    stack = await example.automation();
  });
  afterAll(() => example.close());

  it("is deployed", async () => {
    expect(await up(settingsOf(name, "Run it", valuesOf(example, servers.slice(0, 1))))).toEqual(["create"]);
    expect(example.count("profiles")).toEqual([1]);
  });

  it("is changed", async () => {
    const profiles = example.emulator.inventory().profiles.map(({ id }) => id);
    const deployed = JSON.stringify(example.emulator.inventory());
    await up(change ?? settingsOf(name, "Change it", valuesOf(example, servers)));
    expect(JSON.stringify(example.emulator.inventory())).not.toBe(deployed);
    expect(example.emulator.inventory().profiles.map(({ id }) => id)).toEqual(profiles);
  });

  it("is destroyed, and the account is as it was", async () => {
    await stack.destroy();
    expect(example.emulator.inventory()).toEqual(before);
  });
});

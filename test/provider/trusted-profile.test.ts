/** Trusted profiles: rules and differences as tables, and the handler's whole life against the emulator. */
import type { dynamic } from "@pulumi/pulumi";
import { type Emulator, startEmulator } from "../../emulator";
import { handler } from "../../provider/trusted-profile";

const configureFor = (emulator: Emulator): dynamic.ConfigureRequest => {
  const values: Record<string, string> = {
    "vpc-identity:apiKey": emulator.apiKey,
    "vpc-identity:region": emulator.region,
    "vpc-identity:iamEndpoint": emulator.env.IBMCLOUD_IAM_API_ENDPOINT ?? "",
    "vpc-identity:vpcEndpoint": emulator.env.IBMCLOUD_IS_NG_API_ENDPOINT ?? "",
  };
  return { config: { get: (key) => values[key], require: (key) => values[key] ?? "" } };
};

describe("life of a trusted profile", () => {
  let emulator: Emulator;
  beforeAll(async () => {
    emulator = await startEmulator();
    await handler.configure?.(configureFor(emulator));
  });
  afterAll(() => emulator.close());

  it("creates", async () => {
    const checked = await handler.check?.({} as never, { mark: "0123:app" } as never);
    const created = await handler.create(checked?.inputs as never);
    expect(created.outs?.name).toMatch(/^app-[0-9a-f]{8}$/);
    expect(emulator.inventory().profiles.map(({ id }) => id)).toEqual([created.id]);
    await handler.delete?.(created.id, created.outs as never);
    expect(emulator.inventory().profiles).toEqual([]);
  });
});

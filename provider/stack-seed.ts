/**
 * The random seed of a stack, from which the names of its objects are derived.
 *
 * A create whose answer is lost must find its own object on the next run, so names are computed before the call and not
 * drawn at random. Names derived from the URN alone would be the same for two states of one project and stack name (two
 * backends, or a state that was lost), and the second would take and in the end destroy the objects of the first.
 */
import { randomBytes } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import { providerStub, typeToken } from "./stub";

const TYPE = "StackSeed";

interface StackSeedOutputs {
  readonly seed: string;
}

/** Makes 16 random hexadecimal digits once and keeps them; never calls an API. */
export const handler: pulumi.dynamic.ResourceProvider<object, StackSeedOutputs> = {
  diff: async () => ({ changes: false }),
  create: async () => {
    const seed = randomBytes(8).toString("hex");
    return { id: seed, outs: { seed } };
  },
  read: async (id) => ({ id, props: { seed: id } }),
  update: async (id) => ({ outs: { seed: id } }),
  delete: async () => undefined,
};

class StackSeed extends pulumi.CustomResource {
  declare readonly seed: pulumi.Output<string>;

  constructor() {
    super(typeToken(TYPE), "vpc-identity", { seed: undefined, __provider: providerStub(TYPE) });
  }
}

/**
 * The seed of the stack that is being deployed; registers it on first use.
 *
 * The registry is global and keyed by what a deployment owns, because one process may hold two copies of this package
 * (a second registration of one URN is an error) and, with inline programs, deploy several stacks.
 */
export function stackSeed(): pulumi.Output<string> {
  const key = Symbol.for("pulumi-ibm-vpc-identity.stack-seeds");
  const registry = globalThis as { [key]?: WeakMap<object, StackSeed> | undefined };
  const seeds = (registry[key] ??= new WeakMap<object, StackSeed>());
  const deployment = pulumi.runtime.getStackResource() ?? pulumi.runtime.getMonitor() ?? registry;
  let seed = seeds.get(deployment);
  if (seed === undefined) {
    seed = new StackSeed();
    seeds.set(deployment, seed);
  }
  return seed.seed;
}

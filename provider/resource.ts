/**
 * The base class of our resources: validates the arguments, registers them with the stub in place of code, and gives each
 * resource the mark from which its names are made.
 */
import * as pulumi from "@pulumi/pulumi";
import type { Problem, Rule } from "../core/validate";
import { markOf } from "./naming";
import { plainStacks } from "./plain-stacks";
import { assertProgramUsable, assertValid } from "./preflight";
import { providerStub, typeToken } from "./stub";
import { timeoutsRule } from "./timeouts";

/** What the base class needs to know of a type of resource. */
export interface ResourceType {
  /** The type key: part of the type token and of the stub, in states for ever. */
  readonly type: string;
  /** Judges the arguments of the constructor. */
  readonly rule: Rule;
  /** Names of all outputs. One that is not listed does not exist on the object in a program. */
  readonly outputs: readonly string[];
  /** Names of arguments and outputs that Pulumi encrypts in the state and hides in its display. */
  readonly secrets?: readonly string[];
  /** True where the handler decides whether the old object goes first. @default false - it always does */
  readonly handlerOrdersReplacement?: true;
  /** Registers what has to be in the state before this is created, and returns what that gives: inputs of no user's. */
  readonly recorded?: (name: string, args: object, options: pulumi.CustomResourceOptions) => pulumi.Inputs;
}

/**
 * A dynamic resource whose code is reached by name. Not meant to be extended outside of this package.
 *
 * The option `customTimeouts` (`create`, `update`, `delete`, in Pulumi's notation such as "90s" or "2h") takes the place of
 * the limits that a resource has of its own, whether it is shorter or longer; an argument such as `provisionTimeoutSeconds`
 * stays the limit of its own step.
 */
export abstract class VpcIdentityResource extends pulumi.CustomResource {
  protected constructor(
    kind: ResourceType,
    name: string,
    args: object | undefined,
    options: pulumi.CustomResourceOptions = {},
  ) {
    plainStacks();
    super(typeToken(kind.type), name, properties(kind, name, args, options), {
      // Names are the same for the old and the new object when only `--replace` asks for it, so both cannot exist at once.
      ...(kind.handlerOrdersReplacement === true ? {} : { deleteBeforeReplace: true }),
      ...options,
      additionalSecretOutputs: [...(kind.secrets ?? []), ...(options.additionalSecretOutputs ?? [])],
    });
  }
}

const MADE_AFTER_DELETE: Problem = {
  property: "deleteBeforeReplace",
  reason: "is false; the old and the new object can have the same name, so the old one is always deleted first",
};

function properties(
  kind: ResourceType,
  name: string,
  args: object | undefined,
  options: pulumi.CustomResourceOptions,
): pulumi.Inputs {
  assertProgramUsable();
  const outputs = Object.fromEntries(kind.outputs.map((output) => [output, undefined]));
  const own = { __provider: providerStub(kind.type) };
  // With an id nothing is created: the resource is read, and has no arguments.
  if (options.id !== undefined) return { ...outputs, ...own };
  const { customTimeouts } = options;
  const wrong = [
    ...(customTimeouts === undefined ? [] : timeoutsRule(customTimeouts, "customTimeouts")),
    ...(options.deleteBeforeReplace === false && kind.handlerOrdersReplacement !== true ? [MADE_AFTER_DELETE] : []),
  ];
  assertValid(`${kind.type} "${name}"`, kind.rule, args ?? {}, wrong);
  const mark = markOf(typeToken(kind.type), name, options.parent);
  const secrets = Object.entries((args ?? {}) as Record<string, unknown>)
    .filter(([key, value]) => kind.secrets?.includes(key) === true && value !== undefined)
    .map(([key, value]) => [key, pulumi.secret(value)]);
  // Pulumi's own copy of the timeouts does not reach a dynamic provider.
  return {
    ...outputs,
    ...args,
    ...(Object.fromEntries(secrets) as pulumi.Inputs),
    ...own,
    mark,
    ...kind.recorded?.(name, args ?? {}, options),
    ...(customTimeouts === undefined ? {} : { customTimeouts }),
  };
}

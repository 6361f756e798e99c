/** What the program asks for: a registration as the engine uses it, read from the message of any supported SDK. */
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import type * as aliasMessages from "@pulumi/pulumi/proto/alias_pb";
import type * as messages from "@pulumi/pulumi/proto/resource_pb";
import { UserError } from "../errors";
import { normalizeProperties } from "../model/assets";
import { type CustomTimeouts, type DependencyMap, type ResourceState } from "../model/resource";
import { markSecret, secretNames, type Properties, type Value } from "../model/values";
import { fromStruct } from "../rpc/protocol";

export interface AliasSpec {
  readonly urn?: string;
  readonly name?: string;
  readonly type?: string;
  readonly stack?: string;
  readonly project?: string;
  readonly parentUrn?: string;
  readonly noParent?: boolean;
}

export interface CallbackReference {
  readonly target: string;
  readonly token: string;
}

export interface Goal {
  readonly type: string;
  readonly name: string;
  readonly custom: boolean;
  readonly parent: string | undefined;
  readonly inputs: Properties;
  readonly propertyDependencies: DependencyMap;
  readonly dependencies: readonly string[];
  readonly protect: boolean | undefined;
  readonly retainOnDelete: boolean | undefined;
  readonly deletedWith: string | undefined;
  readonly provider: string | undefined;
  readonly deleteBeforeReplace: boolean | undefined;
  readonly ignoreChanges: readonly string[];
  readonly replaceOnChanges: readonly string[];
  readonly additionalSecretOutputs: readonly string[];
  readonly aliases: readonly AliasSpec[];
  readonly importId: string;
  readonly customTimeouts: CustomTimeouts;
  readonly replaceWith: readonly string[];
  readonly replacementTrigger: Value | undefined;
  readonly hideDiff: readonly string[];
  readonly hooks: Record<string, readonly string[]>;
  /** Of the line in the program. The stack trace that the SDK sends as well is left out: bytes in every write of the state. */
  readonly sourcePosition: string | undefined;
  readonly transforms: readonly CallbackReference[];
}

const UNITS: Record<string, number> = { ns: 1e-9, us: 1e-6, µs: 1e-6, μs: 1e-6, ms: 1e-3, s: 1, m: 60, h: 3600 };

/** Seconds of a duration in Go's notation: `1h30m`, `1.5s`. */
export function parseDuration(text: string, what: string): number {
  const parts = [...text.matchAll(/([\d.]+)(ns|us|µs|μs|ms|s|m|h)/g)];
  if (parts.length === 0 || parts.map((part) => part[0]).join("") !== text) {
    throw new UserError(`${what} is "${text}", which is not a duration such as "30s" or "1h30m".`);
  }
  return parts.reduce((sum, [, amount, unit = "s"]) => sum + Number(amount) * (UNITS[unit] ?? 1), 0);
}

function timeoutsOf(message: messages.RegisterResourceRequest.CustomTimeouts | undefined): CustomTimeouts {
  if (message === undefined) return {};
  const given: [keyof CustomTimeouts, string][] = [
    ["create", message.getCreate()],
    ["update", message.getUpdate()],
    ["delete", message.getDelete()],
    // Older SDKs have no timeout for reads.
    ["read", "getRead" in message ? message.getRead() : ""],
  ];
  const timeouts: Record<string, number> = {};
  for (const [kind, text] of given) if (text !== "") timeouts[kind] = parseDuration(text, `customTimeouts.${kind}`);
  return timeouts;
}

function positionOf(
  message: { getUri(): string; getLine(): number; getColumn(): number } | undefined,
  root: string,
): string | undefined {
  if (!message?.getUri().startsWith("file://")) return undefined;
  const path = relative(root, fileURLToPath(message.getUri()));
  if (path.startsWith("..")) return undefined;
  const column = message.getColumn();
  return `project:///${path}#${message.getLine()}${column === 0 ? "" : `,${column}`}`;
}

const HOOK_KINDS = [
  "BeforeCreate",
  "AfterCreate",
  "BeforeUpdate",
  "AfterUpdate",
  "BeforeDelete",
  "AfterDelete",
  "OnError",
];

function hooksOf(request: messages.RegisterResourceRequest): Record<string, readonly string[]> {
  const binding = "getHooks" in request ? request.getHooks() : undefined;
  if (binding === undefined) return {};
  const lists = binding.toObject() as unknown as Record<string, string[] | undefined>;
  const hooks: Record<string, readonly string[]> = {};
  for (const kind of HOOK_KINDS) {
    const names = lists[`${kind.charAt(0).toLowerCase()}${kind.slice(1)}List`] ?? [];
    if (names.length > 0) hooks[kind] = names;
  }
  return hooks;
}

export function aliasOf(alias: {
  hasUrn(): boolean;
  getUrn(): string;
  getSpec(): aliasMessages.Alias.Spec | undefined;
}): AliasSpec {
  const spec = alias.getSpec();
  if (spec === undefined) return { urn: alias.getUrn() };
  const present = Object.entries({
    name: spec.getName(),
    type: spec.getType(),
    stack: spec.getStack(),
    project: spec.getProject(),
    parentUrn: spec.getParenturn(),
  });
  return { ...Object.fromEntries(present.filter(([, value]) => value !== "")), noParent: spec.getNoparent() };
}

function orUndefined(text: string): string | undefined {
  return text === "" ? undefined : text;
}

export function goalOf(request: messages.RegisterResourceRequest, root: string, folder: string): Goal {
  const inputs = normalizeProperties(fromStruct(request.getObject()), folder);
  const dependencies = [...new Set(request.getDependenciesList())];
  const propertyDependencies: Record<string, readonly string[]> = {};
  const map = request.getPropertydependenciesMap();
  map.forEach((list, key) => (propertyDependencies[key] = list.getUrnsList()));
  if (map.getLength() === 0) for (const key of Object.keys(inputs)) propertyDependencies[key] = dependencies;
  const trigger = "getReplacementTrigger" in request ? request.getReplacementTrigger() : undefined;
  return {
    type: request.getType(),
    name: request.getName(),
    custom: request.getCustom(),
    parent: orUndefined(request.getParent()),
    inputs,
    propertyDependencies,
    dependencies,
    protect: request.hasProtect() ? request.getProtect() : undefined,
    retainOnDelete: request.hasRetainondelete() ? request.getRetainondelete() : undefined,
    deletedWith: orUndefined(request.getDeletedwith()),
    provider: orUndefined(request.getProvider()),
    deleteBeforeReplace:
      request.getDeletebeforereplacedefined() || request.getDeletebeforereplace()
        ? request.getDeletebeforereplace()
        : undefined,
    ignoreChanges: request.getIgnorechangesList(),
    replaceOnChanges: request.getReplaceonchangesList(),
    additionalSecretOutputs: request.getAdditionalsecretoutputsList(),
    aliases: [...request.getAliasesList().map(aliasOf), ...request.getAliasurnsList().map((urn) => ({ urn }))],
    importId: request.getImportid(),
    customTimeouts: timeoutsOf(request.getCustomtimeouts()),
    replaceWith: "getReplaceWithList" in request ? request.getReplaceWithList() : [],
    replacementTrigger: trigger === undefined ? undefined : (trigger.toJavaScript() as Value),
    hideDiff: "getHidediffsList" in request ? request.getHidediffsList() : [],
    hooks: hooksOf(request),
    sourcePosition: positionOf("getSourceposition" in request ? request.getSourceposition() : undefined, root),
    transforms: request
      .getTransformsList()
      .map((callback) => ({ target: callback.getTarget(), token: callback.getToken() })),
  };
}

/** The state of a resource as the program wants it, before any provider was asked. */
export function stateOf(goal: Goal, urn: string, inputs: Properties): ResourceState {
  return {
    urn,
    custom: goal.custom,
    type: goal.type,
    inputs,
    parent: goal.parent,
    protect: goal.protect,
    dependencies: goal.dependencies,
    provider: goal.provider,
    propertyDependencies: goal.propertyDependencies,
    additionalSecretOutputs: goal.additionalSecretOutputs,
    customTimeouts: goal.customTimeouts,
    retainOnDelete: goal.retainOnDelete,
    deletedWith: goal.deletedWith,
    replaceWith: goal.replaceWith,
    sourcePosition: goal.sourcePosition,
    ignoreChanges: goal.ignoreChanges,
    hideDiff: goal.hideDiff,
    replaceOnChanges: goal.replaceOnChanges,
    replacementTrigger: goal.replacementTrigger,
    resourceHooks: Object.keys(goal.hooks).length === 0 ? undefined : goal.hooks,
  };
}

/** Outputs are secret where the program says so and where the input of the same name is. */
export function secretOutputs(outputs: Properties, goal: Goal, inputs: Properties): Properties {
  return markSecret(outputs, [...goal.additionalSecretOutputs, ...secretNames(inputs)]);
}

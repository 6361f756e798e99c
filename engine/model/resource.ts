/**
 * A resource as the engine knows it. Field names are those of Pulumi's state file; `fieldOrder` is the order in which they are
 * written there. Objects of this type are never changed once they are in a snapshot: a step makes a new one, so that text that was
 * serialised before can be used again.
 */
import { type Properties, type Value } from "./values";

export type DependencyMap = Record<string, readonly string[]>;

/** Time limits in seconds. */
export interface CustomTimeouts {
  readonly create?: number;
  readonly update?: number;
  readonly delete?: number;
  readonly read?: number;
}

export interface ResourceState {
  readonly urn: string;
  readonly custom: boolean;
  /** Replaced already; to be deleted. */
  readonly delete?: boolean | undefined;
  readonly id?: string | undefined;
  readonly type: string;
  readonly inputs?: Properties | undefined;
  readonly outputs?: Properties | undefined;
  readonly parent?: string | undefined;
  readonly protect?: boolean | undefined;
  readonly taint?: boolean | undefined;
  /** Owned by someone else: read, never deleted. */
  readonly external?: boolean | undefined;
  readonly dependencies?: readonly string[] | undefined;
  readonly initErrors?: readonly string[] | undefined;
  readonly provider?: string | undefined;
  readonly propertyDependencies?: DependencyMap | undefined;
  /** Deleted to make room for its replacement, which is not there yet. */
  readonly pendingReplacement?: boolean | undefined;
  readonly additionalSecretOutputs?: readonly string[] | undefined;
  readonly aliases?: readonly string[] | undefined;
  readonly customTimeouts?: CustomTimeouts | undefined;
  readonly importID?: string | undefined;
  readonly retainOnDelete?: boolean | undefined;
  readonly deletedWith?: string | undefined;
  readonly replaceWith?: readonly string[] | undefined;
  readonly created?: string | undefined;
  readonly modified?: string | undefined;
  readonly sourcePosition?: string | undefined;
  readonly stackTrace?: readonly { readonly sourcePosition?: string }[] | undefined;
  readonly ignoreChanges?: readonly string[] | undefined;
  readonly hideDiff?: readonly string[] | undefined;
  readonly replaceOnChanges?: readonly string[] | undefined;
  readonly replacementTrigger?: Value | undefined;
  readonly resourceHooks?: Record<string, readonly string[]> | undefined;
}

export const fieldOrder: readonly (keyof ResourceState)[] = [
  "urn",
  "custom",
  "delete",
  "id",
  "type",
  "inputs",
  "outputs",
  "parent",
  "protect",
  "taint",
  "external",
  "dependencies",
  "initErrors",
  "provider",
  "propertyDependencies",
  "pendingReplacement",
  "additionalSecretOutputs",
  "aliases",
  "customTimeouts",
  "importID",
  "retainOnDelete",
  "deletedWith",
  "replaceWith",
  "created",
  "modified",
  "sourcePosition",
  "stackTrace",
  "ignoreChanges",
  "hideDiff",
  "replaceOnChanges",
  "replacementTrigger",
  "resourceHooks",
];

export type OperationType = "creating" | "updating" | "deleting" | "reading" | "importing";

/** An operation of which nobody knows whether it happened. */
export interface PendingOperation {
  readonly resource: ResourceState;
  readonly type: OperationType;
}

/** Everything a resource needs to exist before it: its parent, its provider and what it depends on. */
export function requirementsOf(resource: ResourceState): string[] {
  const urns = new Set<string>(resource.dependencies);
  if (resource.parent !== undefined) urns.add(resource.parent);
  if (resource.deletedWith !== undefined) urns.add(resource.deletedWith);
  if (resource.provider !== undefined) urns.add(resource.provider.slice(0, resource.provider.lastIndexOf("::")));
  for (const list of Object.values(resource.propertyDependencies ?? {})) for (const urn of list) urns.add(urn);
  for (const urn of resource.replaceWith ?? []) urns.add(urn);
  return [...urns];
}

/** Names of resources: `urn:pulumi:<stack>::<project>::<parent types>$<type>::<name>`. */

export const STACK_TYPE = "pulumi:pulumi:Stack";
const PROVIDER_PREFIX = "pulumi:providers:";

export interface UrnParts {
  readonly stack: string;
  readonly project: string;
  /** Types of all ancestors and of the resource itself, joined by `$`. */
  readonly qualifiedType: string;
  readonly type: string;
  readonly name: string;
}

export function parseUrn(urn: string): UrnParts {
  const [head = "", project = "", qualifiedType = "", ...name] = urn.split("::");
  if (!head.startsWith("urn:pulumi:") || name.length === 0) throw new Error(`"${urn}" is not a resource's URN.`);
  return {
    stack: head.slice("urn:pulumi:".length),
    project,
    qualifiedType,
    type: qualifiedType.slice(qualifiedType.lastIndexOf("$") + 1),
    name: name.join("::"),
  };
}

export function makeUrn(
  stack: string,
  project: string,
  parent: string | undefined,
  type: string,
  name: string,
): string {
  let qualifiedType = type;
  if (parent !== undefined && parent !== "") {
    const above = parseUrn(parent).qualifiedType;
    if (above !== STACK_TYPE) qualifiedType = `${above}$${type}`;
  }
  return `urn:pulumi:${stack}::${project}::${qualifiedType}::${name}`;
}

export function isProviderType(type: string): boolean {
  return type.startsWith(PROVIDER_PREFIX);
}

export function providerTypeOf(packageName: string): string {
  return PROVIDER_PREFIX + packageName;
}

/** The package of a type token: `pulumi-nodejs` of `pulumi-nodejs:dynamic:Resource`. */
export function packageOf(type: string): string {
  return type.slice(0, type.indexOf(":"));
}

/** A provider reference is a URN and an id joined by `::`. */
export function splitProviderReference(reference: string): { urn: string; id: string } {
  const at = reference.lastIndexOf("::");
  return { urn: reference.slice(0, at), id: reference.slice(at + 2) };
}

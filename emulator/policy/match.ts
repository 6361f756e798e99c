/** How a value fits what a policy asks for: the operators that resource attributes and rules have in common. */
import type { Attribute } from "./store";

/** What a call is about, in the words of policies: `serviceName` and whatever else is known. */
export type ResourceAttributes = Readonly<Record<string, string | undefined>>;

/** Platform services are those for managing the account itself. */
const PLATFORM_SERVICES = ["iam-identity", "iam-access-management", "iam-groups", "user-management", "billing"];

/** What the call has for a key of a policy; keys are free text, so only own properties count. */
export function valueOf(attributes: ResourceAttributes, key: string): string | undefined {
  if (key === "serviceType") {
    return PLATFORM_SERVICES.includes(attributes.serviceName ?? "") ? "platform_service" : "service";
  }
  return Object.hasOwn(attributes, key) ? attributes[key] : undefined;
}

/** One attribute of a policy against the value that the call has for it. */
export function matches(attribute: Attribute, value: string | undefined): boolean {
  if (attribute.operator === "stringExists") return (value !== undefined) === (String(attribute.value) === "true");
  if (value === undefined) return false;
  const wanted = Array.isArray(attribute.value) ? attribute.value : [String(attribute.value)];
  return attribute.operator.startsWith("stringMatch") || wanted.includes("*")
    ? wanted.some((pattern) => wildcard(pattern).test(value))
    : wanted.includes(value);
}

/** `*` and `?` are wildcards; `{{*}}` and `{{?}}` stand for the characters themselves. */
function wildcard(pattern: string): RegExp {
  const source = pattern.replace(/\{\{([*?])\}\}|[*?]|[\\^$.|+()[\]{}]/g, (found, literal: string | undefined) => {
    if (literal !== undefined) return `\\${literal}`;
    return found === "*" ? ".*" : found === "?" ? "." : `\\${found}`;
  });
  return new RegExp(`^${source}$`, "s");
}

/**
 * What a resource of ours carries into the state in place of its provider's code: a constant that names the code.
 *
 * Pulumi's own `dynamic.Resource` serialises a closure of several kilobytes into the inputs and the outputs of every
 * resource, and the engine writes the whole state after every step. The constant also outlives the code: delete and
 * refresh run the copy that is *stored*, perhaps years old, so neither the specifier nor a type key is ever renamed.
 */

/** The name under which programs install this package. */
export const PACKAGE_NAME = "pulumi-ibm-vpc-identity";

/** The value of `__provider`: the same for every resource of a type, without path, version or secret. */
export function providerStub(type: string): string {
  return `exports.handler=()=>require("${PACKAGE_NAME}/dynamic")("${type}")`;
}

/** Pulumi's type token of a dynamic resource of ours. */
export function typeToken(type: string): string {
  return `pulumi-nodejs:dynamic/vpc-identity:${type}`;
}

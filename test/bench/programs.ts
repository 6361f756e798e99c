/**
 * The programs that are measured, in JavaScript. Each reads `BENCH_WISH`, which has at least `count`: how many servers or
 * resources it makes.
 */

const WISH = `const wish = JSON.parse(process.env.BENCH_WISH);\n`;

/** The environment that tells a program what to make. */
export const wishFor = (wish: { readonly count: number; readonly place?: object }): Record<string, string> => ({
  BENCH_WISH: JSON.stringify(wish),
});

/** Linked servers, each with a profile and a policy of its own; `place` is where they are. */
export const LINKED_SERVERS = `${WISH}
const vpc = require("pulumi-ibm-vpc-identity");
for (let index = 0; index < wish.count; index += 1) {
  new vpc.LinkedInstance("server-" + index, {
    ...wish.place, instanceProfile: "bx2-2x8", trustedProfile: { policies: [{ roles: ["Operator"], service: "is" }] },
  });
}
`;

/** Resources of the simplest kind that makes a call. */
export const TRUSTED_PROFILES = `${WISH}
const vpc = require("pulumi-ibm-vpc-identity");
for (let index = 0; index < wish.count; index += 1) new vpc.TrustedProfile("profile-" + index, { description: "bench" });
`;

const EMPTY = `${WISH}
const pulumi = require("@pulumi/pulumi");
const provider = { create: async () => ({ id: "id", outs: {} }) };
class Empty extends pulumi.dynamic.Resource {
  constructor(name, options) { super(provider, name, {}, options, "bench", "Empty"); }
}
`;

/** Resources that do nothing. */
export const EMPTY_RESOURCES = `${EMPTY}
for (let index = 0; index < wish.count; index += 1) new Empty("empty-" + index);
`;

/** Resources that do nothing: as many, in the same tree and after one another as those of linked servers are. */
export const EMPTY_SERVERS = `${EMPTY}
const seed = new Empty("seed");
for (let index = 0; index < wish.count; index += 1) {
  const parent = new pulumi.ComponentResource("bench:index:Component", "server-" + index);
  const profile = new Empty("server-" + index + "-profile", { parent, dependsOn: [seed] });
  const policy = new Empty("server-" + index + "-policy", { parent, dependsOn: [profile] });
  new Empty("server-" + index + "-server", { parent, dependsOn: [policy] });
}
`;

/** A program of dynamic resources that a JSON file describes; each provider call is noted in calls.log. */
export const THINGS_PROJECT = "things";

export const THINGS: Record<string, string> = {
  // The program is plain JavaScript: without the compiler it starts faster.
  "Pulumi.yaml": `name: ${THINGS_PROJECT}\nruntime:\n  name: nodejs\n  options:\n    typescript: false\n`,
  "package.json": JSON.stringify({ name: "things", version: "1.0.0", private: true, main: "index.js" }),
  "index.js": `
const fs = require("fs");
const pulumi = require("@pulumi/pulumi");
const program = JSON.parse(fs.readFileSync("program.json", "utf8"));
const provider = {
  async check(olds, news) {
    if (news.invalid) return { inputs: news, failures: [{ property: "invalid", reason: "must not be set" }] };
    return { inputs: news };
  },
  async diff(id, olds, news) {
    const fs = require("fs");
    fs.appendFileSync("calls.log", "diff " + news.name + "\\n");
    return { changes: olds.v !== news.v || olds.gen !== news.gen, replaces: olds.gen !== news.gen ? ["gen"] : [] };
  },
  async create(inputs) {
    const fs = require("fs");
    fs.appendFileSync("calls.log", "create " + inputs.name + "\\n");
    if (inputs.warn) console.warn(inputs.warn);
    if (inputs.crash) process.exit(7);
    if (inputs.fill && !fs.existsSync("filled")) {
      // Until the disk is full, to the last byte; but only once. What the engine is still removing would give room back.
      fs.mkdirSync("filled");
      const folder = require("path").dirname(inputs.fill);
      while (fs.readdirSync(folder, { recursive: true }).some((name) => name.endsWith(".tmp")))
        await new Promise((done) => setTimeout(done, 10));
      const file = fs.openSync(inputs.fill, "w");
      for (let size = 65536; size >= 1; ) {
        try {
          if (fs.writeSync(file, Buffer.alloc(size)) < size) size = Math.floor(size / 2);
        } catch {
          size = Math.floor(size / 2);
        }
      }
      fs.closeSync(file);
    }
    await new Promise((done) => setTimeout(done, inputs.delayMs ?? 0));
    fs.appendFileSync("calls.log", "created " + inputs.name + "\\n");
    return { id: "id-" + inputs.name, outs: { ...inputs, made: "made-" + inputs.name } };
  },
  async update(id, olds, news) {
    require("fs").appendFileSync("calls.log", "update " + news.name + "\\n");
    return { outs: { ...news, made: olds.made } };
  },
  async delete(id, props) {
    require("fs").appendFileSync("calls.log", "delete " + props.name + "\\n");
  },
  async read(id, props) {
    return require("fs").existsSync("gone-" + id) ? {} : { id, props: { ...props, found: "yes" } };
  },
};
class Thing extends pulumi.dynamic.Resource {
  constructor(name, args, opts) {
    super(provider, name, { made: undefined, name, ...args }, opts, "things", "Thing");
  }
}
const made = {};
for (const { name, args = {}, opts = {}, dependsOn = [] } of program.things ?? []) {
  const inputs = Object.fromEntries(Object.entries(args).map(([k, v]) => [k, typeof v === "string" && v.startsWith("$") ? made[v.slice(1)].made : v]));
  made[name] = new Thing(name, inputs, { ...opts, dependsOn: dependsOn.map((other) => made[other]) });
}
eval(program.code ?? "");
for (const [name, value] of Object.entries(program.outputs ?? {})) exports[name] = made[value]?.made ?? value;
`,
};

export interface ThingsProgram {
  readonly things?: readonly {
    name: string;
    args?: Record<string, unknown>;
    opts?: Record<string, unknown>;
    dependsOn?: string[];
  }[];
  /** JavaScript that runs after the resources were declared. */
  readonly code?: string;
  /** Names of things, whose output \`made\` is exported, or plain values. */
  readonly outputs?: Record<string, unknown>;
}

export function thingUrn(name: string, stack = "dev"): string {
  return `urn:pulumi:${stack}::${THINGS_PROJECT}::pulumi-nodejs:dynamic/things:Thing::${name}`;
}

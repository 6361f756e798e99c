// `npm run bench`: what the script on the server costs, next to the plain calls of IBM's documentation, both against the
// emulator: programs started, wall time to the first IAM token and to the certificate (with a key that is there), and the
// bytes of user data that each option takes.
//   --quick   5 runs each in place of 25
//   --json    one JSON document in place of tables
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { load } from "../emulator/typescript.mjs";

const { startEmulator } = load("../../emulator/index.ts", import.meta.url);
const { makeServer } = load("../emulator/emulated-server.ts", import.meta.url);
const { bootstrapUserData } = load("../../bootstrap/index.ts", import.meta.url);
const { ServerFolder, withOwnPrograms } = load("./server-folder.ts", import.meta.url);
const { print, readOptions } = load("../bench/report.ts", import.meta.url);
const options = readOptions(process.argv.slice(2));

const RUNS = options.quick ? 5 : 25;
const PROGRAMS = [
  ...["awk", "basename", "cat", "chmod", "cp", "curl", "cut", "date", "find", "flock", "grep", "ln", "mkdir"],
  ...["mktemp", "mv", "od", "openssl", "rm", "sed", "sleep", "tr"],
];

// As in IBM's documentation, with sed in place of jq, which no image has.
const PLAIN_TOKENS = `
call() { curl -s -X "$1" "$VPC_IDENTITY_METADATA_URL/identity/v1/$2?version=2025-08-26" -H 'Content-Type: application/json' "$3" "$4" -d "$5"; }
value() { sed -n 's/.*"access_token":"\\([^"]*\\)".*/\\1/p'; }
identity=$(call PUT token -H 'Metadata-Flavor: ibm' '{"expires_in":300}' | value)
`;
const PLAIN = {
  token: `${PLAIN_TOKENS}call POST iam_tokens -H "Authorization: Bearer $identity" '{}' | value >"$VPC_IDENTITY_ROOT/token"\n`,
  certificate: `${PLAIN_TOKENS}
csr=$(openssl req -new -key "$VPC_IDENTITY_ROOT/key.pem" -sha256 -subj /OU=vpc-identity | sed 's/$/\\\\n/' | tr -d '\\n')
call POST certificates -H "Authorization: Bearer $identity" "{\\"csr\\":\\"$csr\\"}" >"$VPC_IDENTITY_ROOT/certificates"\n`,
};

function run(server, argv, env = {}) {
  const started = performance.now();
  const child = spawn(argv[0], argv.slice(1), {
    stdio: ["ignore", "ignore", "pipe"],
    env: { PATH: "/usr/bin:/bin", VPC_IDENTITY_ROOT: server.root, VPC_IDENTITY_METADATA_URL: server.url, ...env },
  });
  let stderr = "";
  child.stderr.on("data", (data) => (stderr += data));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve(performance.now() - started);
      else reject(new Error(`${argv.join(" ")} ended with exit code ${code}: ${stderr}`));
    });
  });
}

const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

/** The programs that a run starts, each taken down by a stand-in that then becomes it. */
async function programsOf(server, argv, from, to) {
  const bin = server.path("/bin");
  mkdirSync(bin, { recursive: true });
  for (const name of PROGRAMS) {
    const text = `#!/bin/sh\nPATH=/usr/bin:/bin\necho ${name} >>"$VPC_IDENTITY_ROOT/programs"\nexec ${name} "$@"\n`;
    writeFileSync(`${bin}/${name}`, text, { mode: 0o755 });
  }
  await run(server, argv, { PATH: `${bin}:/usr/bin:/bin` });
  const programs = readFileSync(server.path("/programs"), "utf8").trim().split("\n");
  rmSync(bin, { recursive: true });
  rmSync(server.path("/programs"));
  return { total: programs.length, between: programs.slice(programs.indexOf(from), programs.indexOf(to)).length };
}

async function compare(url, what, bootstrapOptions, publishedBy) {
  const server = new ServerFolder(url, bootstrapOptions, withOwnPrograms);
  try {
    writeFileSync(server.path("/plain"), PLAIN[what]);
    // The first run has what later ones need: a key, and the end of the first boot.
    await run(server, ["sh", server.script, "once"]);
    if (what === "certificate")
      writeFileSync(server.path("/key.pem"), server.read("/run/vpc-identity/current/key.pem"));
    const [ours, plain] = [[], []];
    for (let turn = 0; turn < RUNS; turn++) {
      ours.push(await run(server, ["sh", server.script, "once"]));
      plain.push(await run(server, ["sh", server.path("/plain")]));
    }
    const programs = await programsOf(server, ["sh", server.script, "once"], "curl", publishedBy);
    const plainPrograms = await programsOf(server, ["sh", server.path("/plain")], "curl", "none");
    return {
      programs: programs.total,
      programsForCredential: programs.between,
      plainPrograms: plainPrograms.total,
      milliseconds: Math.round(median(ours)),
      plainMilliseconds: Math.round(median(plain)),
      overheadMs: Math.round(median(ours) - median(plain)),
      // What other programs on the machine add to every run, they add least to the fastest.
      fastestOverheadMs: Math.round(Math.min(...ours) - Math.min(...plain)),
      ratio: Math.round((median(ours) / median(plain)) * 100) / 100,
    };
  } finally {
    server.remove();
  }
}

const OPTION_SETS = {
  default: {},
  "no certificate": { certificate: false },
  "no renewal": { renewal: false },
  https: { protocol: "https" },
  "two profiles": {
    iamTokens: [{ name: "a" }, { name: "b", profileId: `Profile-${"0".repeat(8)}-0000-4000-8000-${"0".repeat(12)}` }],
  },
  hooks: { hooks: { reload: ["nginx.service"] } },
  strongswan: { strongswan: {} },
  "json log and metrics": { log: "json", metricsFile: "/var/lib/node/vpc-identity.prom" },
};

const emulator = await startEmulator({ provisionSeconds: 0 });
try {
  const { id } = await makeServer(emulator, { name: "bench" });
  const { url } = emulator.inventory().instances.find((instance) => instance.id === id);
  const token = await compare(url, "token", { certificate: false }, "mv");
  const certificate = await compare(url, "certificate", { iamTokens: [], certificate: { reuseKey: true } }, "none");
  const sizes = Object.entries(OPTION_SETS).map(([name, set]) => [
    name,
    bootstrapUserData(set).length,
    bootstrapUserData(set, { format: "script" }).length,
  ]);
  const row = (what, of) => [
    ...[what, of.milliseconds, of.plainMilliseconds, of.overheadMs, of.fastestOverheadMs, of.ratio],
    ...[of.programs, of.plainPrograms, what === "token" ? of.programsForCredential : "-"],
  ];
  print(options, {
    tables: [
      {
        title: `The script on the server next to plain calls: median milliseconds of ${RUNS} runs each, and programs started.`,
        columns: [
          ...["credential", "script", "plain calls", "more", "more for the fastest", "times"],
          ...["programs", "of plain calls", "from identity token to IAM token"],
        ],
        rows: [row("token", token), row("certificate", certificate)],
      },
      { title: "User data, in bytes.", columns: ["options", "packed", "as a script"], rows: sizes },
    ],
    goals: [
      { goal: "programs from identity token to IAM token", seen: token.programsForCredential, limit: 4, unit: "" },
      { goal: "a token by the script over plain calls", seen: token.fastestOverheadMs, limit: 50, unit: "ms" },
      { goal: "default user data", seen: sizes[0][1], limit: 16_384, unit: "bytes" },
    ],
  });
} finally {
  await emulator.close();
}

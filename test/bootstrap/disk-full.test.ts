/** A disk that is full, at every write: what was there stays whole, and the run says so. */
import { spawn, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { MetadataService } from "./metadata-service";
import { ServerFolder } from "./server-folder";

/**
 * In a mount namespace of its own: results on a small file system, filled up to a number of free pages, more of them each
 * time until a run succeeds. After each run the set that a reader finds is checked by openssl.
 */
const SCENE = String.raw`
set -e
cd "$VPC_IDENTITY_ROOT"
mkdir -p run
mount -t tmpfs -o size=512k,mode=755 tmpfs run
sh usr/local/bin/vpc-identity once 2>first || { cat first; exit 1; }
free=0
while :; do
  rm -f run/ballast
  free=$((free + STEP))
  pages=$(($(stat -f -c %f run) - free))
  dd if=/dev/zero of=run/ballast bs=4096 count=$pages 2>/dev/null
  code=0
  sh usr/local/bin/vpc-identity once 2>said || code=$?
  set=run/vpc-identity/current
  whole=1
  [ "$(openssl pkey -in $set/key.pem -pubout)" = "$(openssl x509 -in $set/leaf.pem -noout -pubkey)" ] || whole=0
  [ "$(cat $set/leaf.pem $set/chain.pem)" = "$(cat $set/fullchain.pem)" ] || whole=0
  grep -q '"files":\[.*\]}$' $set/manifest.json || whole=0
  grep -Eq '^[^.]+\.[^.]+\.c2lnbmF0dXJlLW9mLXRoZS10ZXN0$' run/vpc-identity/tokens/default || whole=0
  [ "$(wc -w <run/vpc-identity/issued/default)" = 3 ] || whole=0
  echo "$free $code $whole $(grep "no room left" said | tail -n 1)"
  [ "$code" != 0 ] || break
  [ "$free" -lt 100 ]
done
`;

interface Outcome {
  readonly free: number;
  readonly exitCode: number;
  readonly whole: boolean;
  readonly said: string;
}

const namespaces = spawnSync("unshare", ["-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).status === 0;

let service: MetadataService;
let folder: ServerFolder | undefined;

beforeAll(async () => {
  service = await MetadataService.start();
});
afterAll(() => service.close());
afterEach(() => {
  service.reset();
  folder?.remove();
});

(namespaces ? describe : describe.skip)("a disk that is full", () => {
  it.each([
    { shell: "dash", step: 2 },
    { shell: "busybox", step: 6 },
  ])("never mixes two sets, however much room is left ($shell)", async ({ shell, step }) => {
    folder = new ServerFolder(service.url, { retrySeconds: 0, trustRootsPem: service.rootPem });
    folder.endFirstBoot();
    const scene = folder.path("/scene");
    const text = SCENE.replace("STEP", String(step));
    writeFileSync(scene, shell === "busybox" ? text.replaceAll("sh usr/", "busybox ash usr/") : text);
    const outcomes = await play(folder, scene);
    expect(outcomes.filter(({ whole }) => !whole)).toEqual([]);
    expect(outcomes.at(-1)).toMatchObject({ exitCode: 0 });
    const failed = outcomes.slice(0, -1);
    expect(failed.length).toBeGreaterThan(2);
    expect(failed.filter(({ exitCode, said }) => exitCode !== 1 || !said.includes("no room left"))).toEqual([]);
  });
});

async function play(server: ServerFolder, scene: string): Promise<Outcome[]> {
  // Not waited for synchronously: the services answer from this process.
  const child = spawn("unshare", ["-rm", "sh", scene], {
    env: {
      PATH: process.env.PATH,
      VPC_IDENTITY_ROOT: server.root,
      VPC_IDENTITY_METADATA_URL: server.url,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data: Buffer) => (output += data.toString()));
  await new Promise((resolve) => child.on("close", resolve));
  const lines = output
    .trim()
    .split("\n")
    .map((line) => /^(\d+) (\d+) ([01]) ?(.*)$/.exec(line));
  if (lines.some((fields) => fields === null)) throw new Error(output);
  return lines.map((fields) => ({
    free: Number(fields?.[1]),
    exitCode: Number(fields?.[2]),
    whole: fields?.[3] === "1",
    said: fields?.[4] ?? "",
  }));
}

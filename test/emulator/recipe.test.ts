/** IBM's instance identity recipe with real curl, awk and openssl, and the authorisation at the end of it. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEmulator, type Emulator } from "../../emulator";
import { Api, runCommand, textOf, VPC } from "./support";

/** As IBM's documentation gives it, with the new paths; the socket stands for 169.254.169.254. */
const RECIPE = `set -eu
call() { curl -sS -m 10 --unix-socket "$SOCKET" "$@"; }
base=http://api.metadata.cloud.ibm.com
identity=$(call -X PUT "$base/identity/v1/token?version=2025-10-21" -H "Metadata-Flavor: ibm" -d '{"expires_in": 3600}' \\
  | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')
call -X POST "$base/identity/v1/iam_tokens?version=2025-10-21" -H "Authorization: Bearer $identity" \\
  -d '{"trusted_profile": {"id": "'$PROFILE'"}}' > iam.json
openssl req -new -newkey rsa:2048 -nodes -keyout key.pem -out csr.pem -subj "/C=US/ST=Texas/O=Example" 2> /dev/null
csr=$(awk 'NF {sub(/\\r/, ""); printf "%s\\\\n",$0;}' csr.pem)
call -X POST "$base/identity/v1/certificates?version=2025-10-21" -H "Authorization: Bearer $identity" \\
  -d '{"csr": "'"$csr"'", "expires_in": 600}' > certificates.json
call -o singular.json -w '%{http_code}' -X POST "$base/identity/v1/iam_token?version=2025-10-21" \\
  -H "Authorization: Bearer $identity" -d '{}'
`;

describe("the instance identity recipe", () => {
  let emulator: Emulator;
  let api: Api;
  let folder: string;

  beforeAll(async () => {
    emulator = await startEmulator({ provisionSeconds: 0, deleteSeconds: 0 });
    api = await new Api(emulator).logIn();
    folder = mkdtempSync(join(tmpdir(), "recipe-"));
  });
  afterAll(async () => {
    await emulator.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it("gives a token that policies decide about and a certificate that verifies", async () => {
    const profile = await api.profile("recipe");
    const server = await api.server({ name: "recipe", default_trusted_profile: { target: { id: profile.id } } });
    writeFileSync(join(folder, "recipe.sh"), RECIPE);
    const { stdout, stderr, code } = await runCommand(
      "env",
      [`SOCKET=${server.socket}`, `PROFILE=${profile.id}`, "sh", "recipe.sh"],
      { cwd: folder },
    );
    expect({ code, stderr, stdout }).toEqual({ code: 0, stderr: "", stdout: "404" });

    const { certificates, expires_in } = JSON.parse(readFileSync(join(folder, "certificates.json"), "utf8")) as {
      certificates: string[];
      expires_in: number;
    };
    expect(expires_in).toBe(600);
    const [leaf = "", intermediate = ""] = certificates;
    writeFileSync(join(folder, "leaf.pem"), leaf);
    writeFileSync(join(folder, "intermediate.pem"), intermediate);
    writeFileSync(join(folder, "root.pem"), emulator.rootCertificate);
    const openssl = (...args: string[]): string => execFileSync("openssl", args, { cwd: folder, encoding: "utf8" });
    expect(openssl("verify", "-x509_strict", "-CAfile", "root.pem", "-untrusted", "intermediate.pem", "leaf.pem")).toBe(
      "leaf.pem: OK\n",
    );
    expect(openssl("x509", "-in", "leaf.pem", "-noout", "-subject", "-nameopt", "RFC2253")).toBe(
      `subject=CN=${server.id},O=Example,ST=Texas,C=US\n`,
    );
    expect(openssl("x509", "-in", "leaf.pem", "-noout", "-ext", "basicConstraints,extendedKeyUsage")).toContain(
      "CA:FALSE",
    );
    expect(openssl("x509", "-in", "intermediate.pem", "-noout", "-ext", "basicConstraints")).toContain("pathlen:0");
    const publicOfKey = openssl("pkey", "-in", "key.pem", "-pubout");
    expect(openssl("x509", "-in", "leaf.pem", "-noout", "-pubkey")).toBe(publicOfKey);

    const iam = JSON.parse(readFileSync(join(folder, "iam.json"), "utf8")) as { access_token: string };
    const list = (token: string): Promise<number> =>
      api.send(`GET /v1/instances?${VPC}`, undefined, { token }).then(({ status }) => status);
    expect(await list(iam.access_token)).toBe(403);
    const policy = await api.policy(profile.iamId);
    expect(await list(iam.access_token)).toBe(200);
    const forbidden = await api.send(`DELETE /v1/instances/${server.id}?${VPC}`, undefined, {
      token: iam.access_token,
    });
    expect(forbidden.status).toBe(403);
    await api.must(`DELETE /v2/policies/${policy}`);
    expect(await list(iam.access_token)).toBe(403);

    await api.must(`DELETE /v1/instances/${server.id}?${VPC}`);
    expect((await api.must(`GET /v1/profiles/${profile.id}/links`)).links).toEqual([]);
    expect(emulator.inventory().instances).toEqual([]);
  });

  it.each([
    ["a VPC other than the server's", { key: "vpcId", value: "r006-other" }, 0],
    ["the server itself", { key: "instanceId", value: "SERVER" }, 1],
    ["any server", { key: "instanceId", value: "*" }, 1],
  ])("a policy on %s shows that part of the list", async (name, { key, value }, count) => {
    const profile = await api.profile(`narrow ${name}`);
    const server = await api.server({ default_trusted_profile: { target: { id: profile.id } } });
    const narrow = { [key]: value === "SERVER" ? server.id : value };
    await api.policy(profile.iamId, "Viewer", { serviceName: "is", ...narrow });
    const token = await api.serverToken(server.url);
    const { status, body } = await api.send(`GET /v1/instances?${VPC}`, undefined, { token });
    expect(status).toBe(200);
    expect(body.instances).toHaveLength(count);
    await api.must(`DELETE /v1/instances/${server.id}?${VPC}`);
  });

  it("keeps secrets out of journal and inventory, and the same search finds a planted one", async () => {
    const { body } = await api.send(`GET /v1/instances?${VPC}&name=planted-marker-in-the-journal`);
    expect(textOf(body.first?.href)).toContain("planted-marker");
    await api.send(`GET /v1/instances?${VPC}&name=${emulator.apiKey}&access_token=${api.token}`);
    await api.send(`GET /v1/apikeys/${emulator.apiKey}`);
    const text = JSON.stringify([emulator.journal(), emulator.inventory()]);
    expect(text).toContain("planted-marker-in-the-journal");
    expect(text).not.toContain(emulator.apiKey);
    expect(text).not.toContain(api.token);
    expect(text).not.toMatch(/eyJ[\w-]+\.[\w-]+\.[\w-]+/);
  });
});

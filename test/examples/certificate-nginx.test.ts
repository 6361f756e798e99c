/** The example `certificate-nginx`, by the commands of its README, and its server with a real nginx where there is one. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { type BootedServer, bootInstance } from "../../emulator";
import { fetchUserData } from "../../emulator/boot-metadata";
import { REPOSITORY } from "../support/project";
import { Example } from "./example";
import { valuesOf } from "./lives";
import { type StandIn, runOn } from "./stand-ins";

// Each command starts a process or two, on a machine that may have others to run.
jest.setTimeout(240_000);

/** Folders below which an nginx may be: this machine's, and the disk that servers are booted from for real. */
const BOOT_DISKS = join(REPOSITORY, ".cache", "boot");
const DISKS = existsSync(BOOT_DISKS) ? readdirSync(BOOT_DISKS).map((name) => join(BOOT_DISKS, name)) : [];
const NGINX = ["/", ...DISKS].map((root) => join(root, "usr/sbin/nginx")).find((path) => existsSync(path));

let example: Example;
let before: unknown;
beforeAll(async () => {
  example = await Example.of("certificate-nginx");
  before = example.emulator.inventory();
});
afterAll(() => example.close());

const KINDS = ["profiles", "policies", "links", "instances", "floatingIps"] as const;

it("says all that it needs to know", async () => {
  await example.project.engine("stack", "init", "empty", "--no-select");
  await example.project.engine("config", "set", "--stack", "empty", "publicAddress", "yes");
  await example.project.engine("config", "set", "--stack", "empty", "trustRootsFile", "no/such.pem");
  const { exitCode, output } = await example.project.engine("preview", "--stack", "empty");
  expect(exitCode).not.toBe(0);
  for (const line of [
    "config set subnetId 0717-...",
    "config set sshKeyId r006-...",
    'config set publicAddress true   (it is "yes"; "true" and "false" are allowed)',
    "config set trustRootsFile roots.pem   (ENOENT: no such file or directory, open 'no/such.pem')",
  ]) {
    expect(output).toContain(line);
  }
  expect(example.emulator.inventory()).toEqual(before);
});

it("is deployed by the commands of its README", async () => {
  await example.readme("Run it", valuesOf(example, []));
  expect(example.count(...KINDS)).toEqual([1, 0, 1, 1, 0]);
  expect(Object.keys(await example.outputs()).sort()).toEqual(["instanceId", "primaryIp", "profileId"]);
});

it("has nothing to do the second time, by the Automation API", async () => {
  const { summary } = await (await example.automation()).up();
  expect(Object.keys(summary.resourceChanges ?? {})).toEqual(["same"]);
});

/**
 * What an image with nginx and systemd has, as far as the server's commands reach: `systemctl` starts and reloads nginx, and
 * lets it leave the port of the metadata service free, whose address is the emulated server's own.
 */
const IMAGE = `#!/bin/sh
set -eu
mkdir -p /run/systemd/system /etc/nginx/conf.d /var/lib/nginx /var/log/nginx
ln -sf ${NGINX ?? ""} /usr/local/bin/nginx
cat >/etc/nginx/nginx.conf <<'END'
user root;
pid /run/nginx.pid;
error_log /tmp/nginx-errors.log;
events {}
http { access_log off; include /etc/nginx/conf.d/*.conf; }
END
cat >/usr/local/bin/systemctl <<'END'
#!/bin/sh
case "$*" in
  "restart nginx.service")
    sed -i 's/listen 443/listen 127.0.0.1:443/' /etc/nginx/conf.d/identity.conf
    nginx -p /etc/nginx -c /etc/nginx/nginx.conf >/dev/null 2>/tmp/nginx.log </dev/null
    ;;
  "is-failed -q nginx.service") exit 1 ;;
  "try-reload-or-restart --no-block nginx.service")
    [ ! -e /run/nginx.pid ] || nginx -p /etc/nginx -c /etc/nginx/nginx.conf -s reload
    ;;
esac
END
chmod 755 /usr/local/bin/systemctl
ln -sf /usr/local/bin/systemctl /usr/bin/systemctl
`;

(NGINX === undefined ? describe.skip : describe)("the server", () => {
  let server: BootedServer;
  beforeAll(async () => {
    const socket = example.emulator.inventory().instances[0]?.socket ?? "";
    const given = await fetchUserData(socket);
    // Packages need the internet; a boothook stands for the image that has them.
    const packages = "#cloud-config\npackage_update: true\npackages: [nginx-light]\n";
    expect(given).toContain(packages);
    const userData = given
      .replace(packages, `#cloud-boothook\n${IMAGE}`)
      .replace("text/cloud-config", "text/cloud-boothook");
    server = await bootInstance({ socket, userData, timeoutMs: 60_000 });
  });
  afterAll(() => server.shutdown());

  const sh = async (command: string): Promise<string> => {
    const { exitCode, stdout, stderr } = await server.exec(["sh", "-c", command]);
    if (exitCode !== 0) throw new Error(`${command}: exit ${exitCode}\n${stdout}${stderr}\n${server.log}`);
    return stdout.trim();
  };
  const served = "openssl s_client -connect 127.0.0.1:443 </dev/null 2>/dev/null | openssl x509 -noout -serial";
  const stored = "openssl x509 -noout -serial -in /run/vpc-identity/current/leaf.pem";

  it("serves with a certificate of its own, which leads to the root and names it", async () => {
    expect({ exitCode: server.exitCode, log: server.log }).toMatchObject({ exitCode: 0 });
    await sh(`printf '%s' '${example.emulator.rootCertificate}' >/run/roots.pem`);
    const { primaryIp, instanceId } = await example.outputs();
    const asked: string[] = [];
    // The server's network reaches nobody, so its client is on the server.
    const openssl: StandIn = (args, input) => {
      asked.push(...args);
      const local = args.map((arg) => (arg === `${String(primaryIp)}:443` ? "127.0.0.1:443" : arg));
      return runOn(server, "sh", "-c", 'cd /run && exec openssl "$@"', "sh")(local, input);
    };
    const subject = await example.readme("From a client", {}, { openssl });
    expect(asked).toContain(`${String(primaryIp)}:443`);
    expect(subject).toMatch(new RegExp(`^subject=.*CN *= *${String(instanceId)}`));
    // Somebody else's root.
    await sh("openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=other -keyout /run/other.pem -out /run/roots.pem");
    await expect(example.readme("From a client", {}, { openssl })).rejects.toThrow("exit 1");
    expect(await sh("curl -sSk https://127.0.0.1/")).toMatch(/ knows who it is$/);
    const unit = await sh("cat /etc/systemd/system/nginx.service.d/identity.conf");
    expect(unit).toContain("After=vpc-identity-ready.target");
    // Without a certificate nginx does not start, whenever it tries.
    expect(unit).toMatch(/StartLimitIntervalSec=0\n\[Service\]\nRestart=on-failure\nRestartSec=10$/);
  });

  it("serves with the next certificate as soon as there is one", async () => {
    const first = await sh(served);
    expect(first).toBe(await sh(stored));
    await sh("vpc-identity once");
    const second = await sh(stored);
    expect(second).not.toBe(first);
    // A reload takes a moment.
    await sh(`for i in 1 2 3 4 5 6 7 8 9 10; do [ "$(${served})" != '${second}' ] || exit 0; sleep 0.3; done; exit 1`);
  });
});

it("is changed by the commands of its README: a public address, the server as it was", async () => {
  const [known] = example.emulator.inventory().instances;
  await example.readme("Change it");
  expect(example.count(...KINDS)).toEqual([1, 0, 1, 1, 1]);
  const { instances, floatingIps } = example.emulator.inventory();
  expect(instances.map(({ id }) => id)).toEqual([known?.id]);
  expect((await example.outputs()).publicIp).toBe(floatingIps[0]?.address);
});

it("is destroyed by the Automation API, without a rest", async () => {
  await (await example.automation()).destroy();
  expect(example.emulator.inventory()).toEqual(before);
});

it("has run every command of its README, where there is an nginx", () => {
  expect(example.unrun()).toEqual(NGINX === undefined ? ["From a client"] : []);
});

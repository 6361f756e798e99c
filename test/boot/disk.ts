/**
 * What is on a server's disk before it first starts: what the image brings along, and what its owner set up. Nothing is
 * written through a symbolic link: one in a copied image may lead to the host.
 */
import { lstatSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, sep } from "node:path";
import { RESULTS } from "./program";

/** Settings of the image and of its owner, who runs nginx with the certificate, and the user data as cloud-init finds it. */
export function furnish(disk: string, id: string, userData: string): void {
  const seed = "/var/lib/cloud/seed/nocloud";
  put(disk, `${seed}/user-data`, userData);
  put(disk, `${seed}/meta-data`, `instance-id: ${id}\nlocal-hostname: app\n`);
  rmSync(inside(disk, "/etc/nginx/sites-enabled/default"), { force: true });
  // A consumer of the certificate, as a user would set it up: https only, and not before the certificate is there.
  put(
    disk,
    "/etc/nginx/conf.d/identity.conf",
    `server { listen 443 ssl; ssl_certificate ${RESULTS}/current/fullchain.pem; ssl_certificate_key ${RESULTS}/current/key.pem; }\n`,
  );
  put(
    disk,
    "/etc/systemd/system/nginx.service.d/identity.conf",
    "[Unit]\nWants=vpc-identity-ready.target\nAfter=vpc-identity-ready.target\n",
  );
  // So small a root has no locales to set up.
  put(disk, "/etc/cloud/cloud.cfg.d/99-image.cfg", "datasource_list: [NoCloud]\nlocale: false\n");
}

/** What IBM's DNS and the CA bundle of a real image do for the name of the metadata service. */
export function furnishForHttps(disk: string, rootCertificate: string): void {
  put(disk, "/etc/hosts", "127.0.0.1 localhost\n169.254.169.254 api.metadata.cloud.ibm.com\n");
  const bundle = "/etc/ssl/certs/ca-certificates.crt";
  put(disk, bundle, `${readFileSync(inside(disk, bundle), "utf8")}\n${rootCertificate}`);
}

function put(disk: string, path: string, text: string): void {
  const at = inside(disk, path);
  mkdirSync(dirname(at), { recursive: true });
  if (lstatSync(at, { throwIfNoEntry: false })?.isSymbolicLink() === true) throw new Error(`${path} is a link`);
  writeFileSync(at, text);
}

/** The path on this machine; refused when a folder on the way leads out of the disk. */
function inside(disk: string, path: string): string {
  let folder = join(disk, dirname(path));
  while (lstatSync(folder, { throwIfNoEntry: false }) === undefined) folder = dirname(folder);
  const root = realpathSync(disk);
  if (folder !== disk && !`${realpathSync(folder)}${sep}`.startsWith(`${root}${sep}`)) {
    throw new Error(`${path} leads out of the disk`);
  }
  return join(disk, path);
}

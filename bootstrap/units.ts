/**
 * systemd units that keep a server's identity fresh. Only settings that systemd 239 (RHEL 8) knows, and only relative
 * timers: an absolute one whose moment passes while the server is off never elapses again.
 */
import type { RenewalOptions } from "./options";
import type { ResolvedOptions } from "./resolved-options";

/** Name and text of every unit. */
export function systemdUnits(options: ResolvedOptions, renewal: Required<RenewalOptions>): Record<string, string> {
  return {
    "vpc-identity.service": service(options),
    "vpc-identity.timer": timer(renewal.checkEverySeconds),
    "vpc-identity-ready.target": READY,
    ...(options.extras === "" ? {} : { "vpc-identity-hooks.service": hooks(options) }),
  };
}

function service(options: ResolvedOptions): string {
  const { firstBootSeconds, retrySeconds, metadataUrl, pinMetadataAddress, extras, keepOnDisk, user, group } = options;
  // As long as it may wait for another run and then try itself.
  const timeoutSeconds = 2 * Math.max(firstBootSeconds, retrySeconds) + 120;
  // Behind a name there is a resolver, whose address is not ours to know.
  const addresses =
    metadataUrl.startsWith("http:") || pinMetadataAddress === true
      ? "IPAddressDeny=any\nIPAddressAllow=169.254.169.254\n"
      : "";
  const changed = `${keepOnDisk ? "/var/lib/vpc-identity/results" : "/run/vpc-identity"}/changed`;
  // What hooks that were killed had taken is there for those who come after them.
  const start = `[ ! -s ${changed} ] && [ ! -s ${changed}.taken ] || exec systemctl start --no-block vpc-identity-hooks.service`;
  const [onFailure, later] =
    extras === ""
      ? ["", ""]
      : [
          "OnFailure=vpc-identity-hooks.service\n",
          `Environment=VPC_IDENTITY_HOOKS=later\nExecStartPost=+/bin/sh -c "${start}"\n`,
        ];
  return `[Unit]
Description=Instance identity of this VPC server
Wants=network-online.target
After=network-online.target
${onFailure}
[Service]
Type=oneshot
Environment=VPC_IDENTITY_BOOT_ID=%b
ExecStart=/usr/local/bin/vpc-identity renew
${later}${user === undefined ? "" : ownedBy(user, group)}UMask=0077
TimeoutStartSec=${timeoutSeconds}
NoNewPrivileges=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectHome=yes
ProtectSystem=full
ProtectControlGroups=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
MemoryDenyWriteExecute=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_NETLINK AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
LockPersonality=yes
SystemCallArchitectures=native
CapabilityBoundingSet=CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER
${addresses}`;
}

function timer(checkEverySeconds: number): string {
  return `[Unit]
Description=Keeps the instance identity of this VPC server fresh

[Timer]
OnActiveSec=1s
OnUnitInactiveSec=${checkEverySeconds}s
RandomizedDelaySec=${Math.floor(checkEverySeconds / 10)}s
AccuracySec=1s

[Install]
WantedBy=timers.target
`;
}

/**
 * systemd makes the folders and gives them to the user at each start; what belongs to another group it would take back, so
 * the group is that of the service, too.
 */
function ownedBy(user: string, group: string | undefined): string {
  const mode = group === undefined ? "0700" : "0750";
  return `User=${user}
${group === undefined ? "" : `Group=${group}\n`}RuntimeDirectory=vpc-identity
RuntimeDirectoryMode=${mode}
RuntimeDirectoryPreserve=yes
StateDirectory=vpc-identity
StateDirectoryMode=${mode}
`;
}

/**
 * Hooks need more rights than the service has: they reload other services and reach other addresses. Each has its own limit;
 * the unit's is for all of them, a folder counting as 20, and for whatever hangs all the same.
 */
function hooks({ extras, user }: ResolvedOptions): string {
  const eachSeconds = Number(/^timeout\t(\d+)$/m.exec(extras)?.[1] ?? 60) + 5;
  const commands = extras.match(/^(?:failure-)?exec\t/gm)?.length ?? 0;
  const folders = extras.match(/^(?:failure-)?directory\t/gm)?.length ?? 0;
  return `[Unit]
Description=Hooks of the instance identity of this VPC server

[Service]
Type=oneshot
ExecStart=/usr/local/bin/vpc-identity hooks
${user === undefined ? "" : `User=${user}\n`}UMask=0077
TimeoutStartSec=${120 + (commands + 20 * folders) * eachSeconds}
`;
}

const READY = `[Unit]
Description=The instance identity of this VPC server is there
Requires=vpc-identity.service
After=vpc-identity.service
`;

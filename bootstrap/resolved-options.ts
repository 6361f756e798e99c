/**
 * Options with every default filled in, in one place: what the generators work from, and what a server finds in its settings.
 */
import { withoutNulls } from "./absent-values";
import { consumerSettings, settingsLines } from "./consumers";
import type { BootstrapOptions, CertificateOptions, IamTokenOptions, RenewalOptions } from "./options";

/** Options with every default filled in: what the generators work from. */
export interface ResolvedOptions {
  readonly iamTokens: readonly IamTokenOptions[];
  readonly certificate: false | Required<Omit<CertificateOptions, "reuseKey">>;
  readonly trustRootsPem: string | undefined;
  readonly metadataCaPem: string | undefined;
  readonly metadataUrl: string;
  readonly pinMetadataAddress: true | undefined;
  readonly apiVersion: string;
  readonly maturity: "beta" | undefined;
  readonly identityTokenSeconds: number;
  readonly firstBootSeconds: number;
  readonly retrySeconds: number;
  readonly renewal: false | Required<RenewalOptions>;
  readonly group: string | undefined;
  readonly user: string | undefined;
  readonly legacyFallback: boolean;
  readonly nonce: boolean;
  readonly keepOnDisk: boolean;
  /** Text of `/etc/vpc-identity/extras.conf`; empty when nothing calls for the extras. */
  readonly extras: string;
}

const METADATA_URL = { http: "http://169.254.169.254", https: "https://api.metadata.cloud.ibm.com" };

/** Fills in the defaults of options that `validateBootstrap` found good. */
export function resolveOptions(given: BootstrapOptions): ResolvedOptions {
  const options = withoutNulls(given);
  const certificate = options.certificate ?? {};
  const renewal = options.renewal ?? {};
  const shortestSeconds = (certificate === false ? undefined : certificate.expiresInSeconds) ?? 3600;
  return {
    iamTokens: options.iamTokens ?? [{ name: "default" }],
    certificate: certificate !== false && {
      keySize: certificate.keySize ?? 2048,
      subject: certificate.subject ?? { OU: "vpc-identity" },
      expiresInSeconds: certificate.expiresInSeconds ?? 3600,
    },
    trustRootsPem: options.trustRootsPem,
    metadataCaPem: options.metadataCaPem,
    metadataUrl: METADATA_URL[options.protocol ?? "http"],
    pinMetadataAddress: options.pinMetadataAddress === true ? true : undefined,
    apiVersion: options.apiVersion ?? "2025-08-26",
    maturity: options.maturity,
    identityTokenSeconds: options.identityTokenSeconds ?? 300,
    firstBootSeconds: options.firstBootSeconds ?? 600,
    retrySeconds: options.retrySeconds ?? 120,
    renewal: renewal !== false && {
      iamTokenPercent: renewal.iamTokenPercent ?? 80,
      certificatePercent: renewal.certificatePercent ?? 66,
      checkEverySeconds: renewal.checkEverySeconds ?? Math.floor(shortestSeconds / 12),
    },
    group: options.group,
    user: options.user,
    legacyFallback: options.legacyFallback ?? false,
    nonce: options.nonce ?? false,
    keepOnDisk: options.keepOnDisk ?? false,
    extras: otherSettings(options) + consumerSettings(options),
  };
}

/** Lines for features that are rare: where they are off they take no byte of the user data. */
function otherSettings({ certificate, metadataCaPem, pinMetadataAddress, user }: BootstrapOptions): string {
  const curl = [
    ...(metadataCaPem === undefined ? [] : ['cacert = "/etc/vpc-identity/metadata-ca.pem"']),
    ...(pinMetadataAddress === true ? ['resolve = "api.metadata.cloud.ibm.com:443:169.254.169.254"'] : []),
  ];
  const reuseKey = certificate !== false && certificate?.reuseKey === true;
  return settingsLines({ "reuse-key": reuseKey ? "1" : undefined, curl, user });
}

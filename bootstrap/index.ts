/** The bootstrap generator: options in, user data out. Pure text, usable without Pulumi. */
export { bootstrapScript, bootstrapUserData, USER_DATA_LIMIT_BYTES } from "./documents";
export type { UserDataForm } from "./documents";
export { EXIT_CODES } from "./exit-codes";
export { validateBootstrap } from "./options";
export type { ConsumerOptions, CredentialFile, FileAccess, FilesOptions, HooksOptions, SignalHook } from "./consumers";
export type {
  BootstrapOptions,
  CertificateOptions,
  CertificateSubject,
  IamTokenOptions,
  RenewalOptions,
} from "./options";

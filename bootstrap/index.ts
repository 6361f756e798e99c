/**
 * The bootstrap generator: options in, user data out. Pure text, usable without Pulumi.
 *
 * @module pulumi-ibm-vpc-identity/bootstrap
 */
export { bootstrapScript, bootstrapUserData, userDataReport, validateUserDataForm } from "./documents";
export { EXIT_CODES } from "./exit-codes";
export { USER_DATA_FORMATS, type UserDataForm } from "./user-data-form";
export { validateBootstrap } from "./options";
export { USER_DATA_LIMIT_BYTES, USER_DATA_WARNING_BYTES, type UserDataPart, type UserDataReport } from "./size";
export type {
  ConsumerOptions,
  CredentialFile,
  FileAccess,
  FilesOptions,
  HooksOptions,
  SignalHook,
  StrongswanOptions,
} from "./consumers";
export type {
  BootstrapOptions,
  CertificateOptions,
  CertificateSubject,
  IamTokenOptions,
  RenewalOptions,
} from "./options";

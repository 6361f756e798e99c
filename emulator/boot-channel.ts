/**
 * What servers print while they boot, for an emulator in the same process to show: a boot knows the emulator only by the
 * socket of its server, and so do these lines.
 */
export interface BootLine {
  /** Path of the server's socket. */
  readonly socket: string;
  /** Missing when a boot begins. */
  readonly line?: string;
}

/** Of node:diagnostics_channel, which every copy of this module in a process shares; carries {@link BootLine}. */
export const BOOT_CHANNEL = "pulumi-ibm-vpc-identity:boot";

/** The emulator of IBM Cloud IAM, VPC and the on-instance identity services. */
export { startEmulator, type Emulator, type EmulatorOptions } from "./server";
export type { Inventory } from "./inventory";
export type { JournalEntry } from "./journal";
export type { Seed } from "./seed";
export { bootInstance, type BootedServer, type BootOptions } from "./boot";

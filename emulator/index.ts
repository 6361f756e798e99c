/**
 * The emulator of IBM Cloud IAM, VPC and the on-instance identity services.
 *
 * @module pulumi-ibm-vpc-identity/emulator
 */
export type { Fault } from "./faults";
export type { Inventory, InventoryServer } from "./inventory";
export type { JournalEntry } from "./journal";
export type { Seed } from "./seed";
export { SeedError } from "./seed-error";
export { problemsOfSeed } from "./seed-rules";
export { startEmulator, type Emulator, type EmulatorOptions } from "./server";
export type { ImageSeed, NetworkSeed, SubnetSeed } from "./vpc/seed";
export type { IssuedLifetimes } from "./world";
export { bootInstance, type BootedServer, type BootOptions } from "./boot";

/** What every handler works on: the state, the clock, the keys and the settings of this emulator. */
import type { EmulatorClock } from "./clock";
import type { SigningKeys } from "./keys";
import type { State } from "./state";
import { accountOfCrn } from "./ids";

/** Durations and behaviours that a test may choose; all times in seconds. */
export interface Settings {
  /** From the create call to `running`. */
  readonly provisionSeconds: number;
  /** Of starting, stopping and rebooting. */
  readonly actionSeconds: number;
  /** From the delete call to 404. */
  readonly deleteSeconds: number;
  /** How long a changed policy or link is visible before it is enforced. */
  readonly enforcementDelaySeconds: number;
  /** How long a new object of IAM answers 404 after it was created. */
  readonly readLagSeconds: number;
  /** A changed metadata switch counts only after a stop and start. */
  readonly strictMetadataSwitch: boolean;
}

/** Issued lives, in seconds, where they should be shorter than asked for. */
export interface IssuedLifetimes {
  /** Life of instance identity tokens, in seconds. @default - as asked for */
  readonly identityToken?: number;
  /** Life of IAM tokens that servers get, in seconds. @default - as asked for */
  readonly iamToken?: number;
  /** Life of certificates, in seconds. @default - as asked for */
  readonly certificate?: number;
}

export interface World {
  state: State;
  readonly clock: EmulatorClock;
  keys: SigningKeys;
  settings: Settings;
  readonly issuedLifetimes: IssuedLifetimes;
  /** The base URL of the public port, without a trailing slash. */
  url: string;
}

export const accountIdOf = (world: World): string => world.state.account.id;

/** True when the CRN belongs to the emulator's own account. */
export const isOwnCrn = (world: World, crn: string): boolean => accountOfCrn(crn) === accountIdOf(world);

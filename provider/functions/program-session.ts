/**
 * The session of functions. They run while the program runs, in its process, so they read the stack's configuration
 * themselves instead of getting it through `configure`.
 */
import * as pulumi from "@pulumi/pulumi";
import { type Session, openSession } from "../../client/session";
import { CONFIG_KEYS } from "../connection";
import { assertProgramUsable } from "../preflight";

/** Settings by the names of the keys of the config namespace `vpc-identity`. */
export type LookupSettings = Readonly<Partial<Record<(typeof CONFIG_KEYS)[number], string>>>;

/** How a function reaches IBM Cloud. */
export interface LookupOptions {
  /**
   * Settings for this call, such as another account's `apiKey`, by the keys of the config namespace `vpc-identity`. A
   * credential among them is the only one that is tried, and a profile (`profileId`, `profileCrn`, `profileName`) the only
   * one that is taken on.
   * @default - the stack's configuration, then the environment, then IBM's credentials file
   */
  readonly settings?: LookupSettings;
}

/** The arguments of a function, where any of them may be an Output. */
export type LookupInput<Args> = pulumi.Input<{ readonly [Key in keyof Args]: pulumi.Input<Args[Key]> }>;

const sessions = new Map<string, Session>();

/**
 * A session with the settings of the call, the stack and the environment; one for all calls with the same.
 * @throws pulumi.ResourceError when a secret stands in the configuration in clear text
 */
export function programSession({ settings = {} }: LookupOptions = {}): Session {
  assertProgramUsable();
  const values = Object.fromEntries(CONFIG_KEYS.map((key) => [key, pulumi.runtime.getConfig(`vpc-identity:${key}`)]));
  const given = Object.fromEntries(CONFIG_KEYS.map((key) => [key, settings[key]]));
  const name = JSON.stringify([values, given]);
  const session = sessions.get(name) ?? openSession((key) => values[key], process.env, { given });
  sessions.set(name, session);
  return session;
}

/** The Output form of a function: waits for its arguments, and does not run while one of them is unknown. */
export function whenKnown<Args, Result>(
  args: LookupInput<Args>,
  look: (args: Args) => Promise<Result>,
): pulumi.Output<Result> {
  return pulumi.output(args as object).apply<Result>((known: unknown) => look(known as Args));
}

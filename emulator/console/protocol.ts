/**
 * What the console's server tells its page and the page asks of it. Both sides are compiled against this one file, so
 * neither can drift; everything here has gone through the redaction of the model and of the journal.
 */
import type { Fault } from "../faults";
import type { JournalEntry } from "../journal";

export type ObjectKind = "server" | "compute" | "profile" | "link" | "claimRule" | "policy" | "serviceId";

/** One line in the life of an object. */
export interface HistoryLine {
  /** ISO 8601, by the emulator's clock. */
  readonly time: string;
  readonly event: "created" | "changed" | "deleted";
  /** `status: pending → running` for each field that changed. */
  readonly changes: readonly string[];
}

/** Something on the map. */
export interface ConsoleObject {
  readonly id: string;
  readonly kind: ObjectKind;
  readonly name: string;
  /** A few words below the name: status, roles, conditions. */
  readonly summary: string;
  /** The object as the API has it, without anything secret. */
  readonly json: Readonly<Record<string, unknown>>;
  /** Arrows that it brings along, as pairs of ids. */
  readonly edges: readonly (readonly [from: string, to: string])[];
  readonly history: readonly HistoryLine[];
  /** ISO 8601, by the emulator's clock; set when it is gone. */
  readonly deletedAt?: string;
}

/** A call as the journal has it. */
export interface ConsoleCall extends JournalEntry {
  /** The id of what a call made, which is not in its path. */
  readonly made?: string;
}

export interface ServerSettings {
  readonly enabled: boolean;
  readonly protocol: "http" | "https";
  /** Missing for bare metal servers. */
  readonly responseHopLimit?: number;
}

/** What a token says of itself; the token itself never leaves the emulator this way. */
export interface TokenFacts {
  readonly kind: "identity" | "iam";
  readonly claims: Readonly<Record<string, unknown>>;
  /** Milliseconds since the epoch, by the emulator's clock. */
  readonly issuedAt: number;
  readonly expiresAt: number;
}

export interface CertificateFacts {
  readonly subject: string;
  readonly issuer: string;
  readonly serialNumber: string;
  /** Subjects from the leaf's issuer upwards. */
  readonly chain: readonly string[];
  readonly issuedAt: number;
  readonly expiresAt: number;
}

/** A life that began: a bar of the chart. */
export interface Issue {
  readonly what: "identity token" | "IAM token" | "certificate";
  readonly issuedAt: number;
  readonly expiresAt: number;
}

/** What a server has got from its identity service, and what it printed while it booted. */
export interface ServerLife {
  readonly id: string;
  readonly tokens: readonly TokenFacts[];
  readonly certificate?: CertificateFacts;
  /** The newest last. */
  readonly issues: readonly Issue[];
  readonly bootLog: readonly string[];
}

export interface ConsoleFault {
  readonly id: number;
  readonly fault: Fault;
  readonly on: boolean;
  /** How often it has struck. */
  readonly struck: number;
}

/** A route on which a fault can be put. */
export interface RouteName {
  readonly method: string;
  /** Parameters are `*`, as faults write them. */
  readonly path: string;
  readonly where: "server" | "cloud";
}

/** What has changed since the last message. */
export interface Update {
  /** The emulator's clock, in milliseconds since the epoch. */
  readonly now: number;
  readonly objects?: readonly ConsoleObject[];
  readonly calls?: readonly ConsoleCall[];
  readonly lives?: readonly ServerLife[];
  readonly faults?: readonly ConsoleFault[];
}

/** The first message of a stream. */
export interface Snapshot extends Required<Update> {
  readonly accountId: string;
  /** The IAM id of the account's owner. */
  readonly owner: string;
  readonly region: string;
  readonly url: string;
  readonly routes: readonly RouteName[];
  /** The actions that IAM can be asked about. */
  readonly actions: readonly string[];
}

export type ConsoleAction =
  | { readonly do: "start" | "stop" | "reboot"; readonly server: string }
  | { readonly do: "metadata"; readonly server: string; readonly settings: Partial<ServerSettings> }
  | { readonly do: "addFault"; readonly fault: Fault }
  | { readonly do: "switchFault"; readonly id: number; readonly on: boolean }
  | { readonly do: "removeFault"; readonly id: number }
  | { readonly do: "advance"; readonly seconds: number };

/** How an action went; for calls of the API the API's own answer. */
export interface ActionResult {
  readonly ok: boolean;
  readonly message: string;
}

/** One link, claim rule or policy that was looked at, and what came of it. */
export interface Verdict {
  /** Empty for what is no object, such as a missing link. */
  readonly id: string;
  readonly counts: boolean;
  readonly text: string;
}

export interface WhyProfile {
  readonly id: string;
  readonly name: string;
  /** Whether the server may become this profile. */
  readonly assumable: boolean;
  /** Links and claim rules. */
  readonly identity: readonly Verdict[];
  readonly allowed: boolean;
  readonly policies: readonly Verdict[];
}

export interface WhyAnswer {
  readonly allowed: boolean;
  /** The answer in one sentence. */
  readonly conclusion: string;
  /** What the action can be about; empty for lists, for what makes something new, and where there is nothing of the kind. */
  readonly targets: readonly { readonly id: string; readonly name: string }[];
  /** The one of them that was asked about, or empty. */
  readonly target: string;
  readonly profiles: readonly WhyProfile[];
}

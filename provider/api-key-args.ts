/**
 * The arguments of an API key: their types, their rules, and what a change of each means.
 *
 * Sources: IBM Cloud IAM Identity Services API, "Create an API key", "Updates an API key".
 */
import { createHash } from "node:crypto";
import type * as pulumi from "@pulumi/pulumi";
import type { ActionWhenLeaked } from "../client/iam-api-keys";
import { type Problem, type Rule, UNKNOWN_SENTINEL, flag, isKnown, object, oneOf, text } from "../core/validate";
import type { FieldTable } from "./diff";
import type { Internal } from "./handler";
import { momentMs, momentRule } from "./moment";
import { serviceIdOf, serviceIdRule } from "./references";

/** A key of a service ID. */
export interface ServiceIdOwner {
  /** The service ID: its id (`ServiceId-<uuid>`), its IAM id or its CRN. A change replaces the key. */
  readonly serviceId: pulumi.Input<string>;
  /**
   * Whether IAM keeps the value, so that it can be read again later. A change replaces the key.
   * @default false
   */
  readonly storeValue?: pulumi.Input<boolean>;
  /** Not with `serviceId`. */
  readonly iamId?: undefined;
}

/** A key of a user. */
export interface IamIdOwner {
  /** IAM id of the user, such as "IBMid-270000ABCD". A change replaces the key. */
  readonly iamId: pulumi.Input<string>;
  /** Not with `iamId`. */
  readonly serviceId?: undefined;
  /** IAM stores values for service IDs only. */
  readonly storeValue?: undefined;
}

/** What all API keys have. */
export interface ApiKeyCommon {
  /**
   * Name, 1 to 255 characters; need not be unique.
   * @default - the resource's name and a hash, such as "app-3f1c9a02"
   */
  readonly name?: pulumi.Input<string>;
  /**
   * Description. "" clears it.
   *
   * What a killed run left behind is found by the hash in name or description, and deleted: its value is lost. With both of
   * your own there is no hash, so it looks like anybody's key: it is named in an error, and while IAM's list does not show it
   * yet, a second key is made and the first one stays until you delete it. With a `value` of your own it is found by that.
   * @default - none; with a `name` of your own, a text with a hash by which a repeated create finds its key
   */
  readonly description?: pulumi.Input<string>;
  /**
   * Value of the key, at least 32 characters; a Pulumi secret in any case. A change replaces the key.
   * @default - IAM makes one
   */
  readonly value?: pulumi.Input<string>;
  /**
   * What IAM does when it finds the key in public.
   * @default "none"
   */
  readonly actionWhenLeaked?: pulumi.Input<ActionWhenLeaked>;
  /**
   * Whether sessions that were opened with the key can be managed.
   * @default false
   */
  readonly supportSessions?: pulumi.Input<boolean>;
  /**
   * When the key ceases to work, ISO 8601 with an offset: "2030-01-31T12:00+0000". "" for never.
   * @default - never
   */
  readonly expiresAt?: pulumi.Input<string>;
  /**
   * Whether IAM refuses to delete the key. Unlock it with an update before you destroy it.
   * @default false
   */
  readonly locked?: pulumi.Input<boolean>;
  /**
   * Whether the key is refused until it is enabled again.
   * @default false
   */
  readonly disabled?: pulumi.Input<boolean>;
}

/** Arguments of an API key: of a service ID or of a user. */
export type ApiKeyArgs = ApiKeyCommon & (ServiceIdOwner | IamIdOwner);

/** What `check` makes of the arguments. */
export interface ApiKeyInputs extends Internal {
  readonly serviceId?: string | undefined;
  readonly iamId?: string | undefined;
  readonly name: string;
  readonly description?: string | undefined;
  readonly value?: string | undefined;
  readonly storeValue?: boolean | undefined;
  readonly actionWhenLeaked?: ActionWhenLeaked | undefined;
  readonly supportSessions?: boolean | undefined;
  readonly expiresAt?: string | undefined;
  readonly locked?: boolean | undefined;
  readonly disabled?: boolean | undefined;
}

/** What the state holds of a key: what IAM answered last, and the value that it tells only once. */
export interface ApiKeyOutputs {
  readonly iamId: string;
  readonly crn: string;
  readonly name: string;
  readonly description?: string | undefined;
  readonly actionWhenLeaked: ActionWhenLeaked;
  readonly supportSessions: boolean;
  readonly expiresAt?: string | undefined;
  readonly locked: boolean;
  readonly disabled: boolean;
  readonly accountId: string;
  readonly entityTag: string;
  readonly createdAt?: string | undefined;
  readonly createdBy?: string | undefined;
  readonly modifiedAt?: string | undefined;
  /** A secret. Absent when the user gave it: then it is stored with the inputs, and nowhere else. */
  readonly value?: string | undefined;
  /** By which a change of a given value is noticed without keeping it a second time. */
  readonly givenValue?: string | undefined;
  readonly storeValue?: boolean | undefined;
}

const DATE = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)$/;

/** The value itself is never shown, right or wrong. */
const valueRule: Rule = (value, property): Problem[] =>
  typeof value === "string" && value.length >= 32
    ? []
    : [
        {
          property,
          reason:
            typeof value === "string"
              ? `has ${value.length} characters; at least 32 are needed`
              : "must be a text of at least 32 characters",
        },
      ];

/** Judges the arguments of an API key. */
export const apiKeyRule: Rule = object({
  fields: {
    serviceId: serviceIdRule,
    iamId: text({ max: 1000 }),
    name: text({ max: 255 }),
    description: text({ min: 0, max: 1000 }),
    value: valueRule,
    storeValue: flag,
    actionWhenLeaked: oneOf("none", "disable", "delete"),
    supportSessions: flag,
    expiresAt: (value, path) =>
      value === "" ? [] : momentRule(DATE, 'a date with an offset, such as "2030-01-31T12:00+0000"')(value, path),
    locked: flag,
    disabled: flag,
  },
  exactlyOne: [["serviceId", "iamId"]],
  also: ({ iamId, storeValue }, path) =>
    storeValue === true && typeof iamId === "string" && isKnown(iamId) && serviceIdOf(iamId) === undefined
      ? [
          {
            property: path === "" ? "storeValue" : `${path}.storeValue`,
            reason: "is true; IAM stores values for service IDs only",
          },
        ]
      : [],
});

/** What a change of each argument means. */
export const apiKeyFields: FieldTable = {
  iamId: { change: "replace" },
  storeValue: { change: "replace" },
  givenValue: { change: "replace", absent: "clear" },
  name: { change: "update" },
  description: { change: "update", absent: "clear" },
  actionWhenLeaked: { change: "update" },
  supportSessions: { change: "update" },
  expiresAt: { change: "update", absent: "clear", same: (old, wanted) => minuteOf(old) === minuteOf(wanted) },
  locked: { change: "update" },
  disabled: { change: "update" },
};

/** The inputs in terms of the outputs. */
export function wantedKey(inputs: ApiKeyInputs): Omit<ApiKeyOutputs, "crn" | "accountId" | "entityTag"> {
  const { iamId, name, description, expiresAt, value } = inputs;
  const serviceId = serviceIdOf(inputs.serviceId);
  return {
    iamId: iamId ?? (serviceId === undefined ? UNKNOWN_SENTINEL : `iam-${serviceId}`),
    name,
    description,
    actionWhenLeaked: inputs.actionWhenLeaked ?? "none",
    supportSessions: inputs.supportSessions ?? false,
    expiresAt,
    locked: inputs.locked ?? false,
    disabled: inputs.disabled ?? false,
    storeValue: inputs.storeValue ?? false,
    givenValue: value === undefined ? undefined : isKnown(value) ? digestOf(inputs.mark, value) : UNKNOWN_SENTINEL,
  };
}

/** Too short to find the value by, long enough to notice another. */
function digestOf(mark: string, value: string): string {
  return createHash("sha256").update(`${mark} ${value}`, "utf8").digest("hex").slice(0, 8);
}

/** IAM knows an expiry to the minute. */
function minuteOf(date: unknown): unknown {
  if (typeof date !== "string") return date;
  const at = momentMs(date);
  return Number.isNaN(at) ? date : Math.floor(at / 60_000);
}

/** A date in the one form that IAM documents: `yyyy-MM-ddTHH:mm+0000`. */
export function expiryFor(date: string): string {
  const minute = minuteOf(date);
  return typeof minute === "number" ? `${new Date(minute * 60_000).toISOString().slice(0, 16)}+0000` : date;
}

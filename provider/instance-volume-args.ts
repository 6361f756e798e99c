/**
 * The volumes that come with a server.
 *
 * Sources: IBM Cloud VPC API, "Create an instance": `boot_volume_attachment` and `volume_attachments`.
 */
import type * as pulumi from "@pulumi/pulumi";
import { type Rule, flag, integer, object, text } from "../core/validate";
import { REFERENCE, nameRule } from "./references";

/** A volume that is made with the server. */
export interface NewVolumeArgs {
  /**
   * Name, unique in the region.
   * @default - chosen by IBM Cloud
   */
  readonly name?: pulumi.Input<string>;
  /**
   * Size in gigabytes, 10 to 16000.
   * @default - for the boot volume what the image needs, else 100
   */
  readonly capacityGb?: pulumi.Input<number>;
  /**
   * Volume profile, such as "general-purpose" or "5iops-tier".
   * @default "general-purpose"
   */
  readonly profile?: pulumi.Input<string>;
  /**
   * Whether it is deleted with the server.
   * @default true
   */
  readonly deleteWithInstance?: pulumi.Input<boolean>;
}

/** A data volume that is made with the server, or one that exists. */
export type DataVolumeArgs =
  | (NewVolumeArgs & { readonly volumeId?: undefined })
  | {
      /** A volume that exists and is attached to no server: id or CRN. */
      readonly volumeId: pulumi.Input<string>;
      /**
       * Whether it is deleted with the server.
       * @default false
       */
      readonly deleteWithInstance?: pulumi.Input<boolean>;
    };

/** What `check` makes of a new volume. */
export interface NewVolumeInputs {
  /** Name. */
  readonly name?: string | undefined;
  /** Size in GB. */
  readonly capacityGb?: number | undefined;
  /** Profile of the volume, such as `general-purpose`. */
  readonly profile?: string | undefined;
  /** Whether it is deleted with the server. */
  readonly deleteWithInstance?: boolean | undefined;
}

/** What `check` makes of a data volume. */
export type DataVolumeInputs =
  | (NewVolumeInputs & { readonly volumeId?: undefined })
  | { readonly volumeId: string; readonly deleteWithInstance?: boolean | undefined };

const newVolumeFields = {
  name: nameRule,
  capacityGb: integer(10, 16_000, "gigabytes"),
  profile: text({ pattern: /^[a-z0-9]+(-[a-z0-9]+)*$/, allowed: 'a volume profile such as "general-purpose"' }),
  deleteWithInstance: flag,
};

/** Judges a volume that is made with the server. */
export const bootVolumeRule: Rule = object({ fields: newVolumeFields });

/** Judges a data volume. */
export const dataVolumeRule: Rule = object({
  fields: { ...newVolumeFields, volumeId: REFERENCE },
  atMostOne: [
    ["volumeId", "name"],
    ["volumeId", "capacityGb"],
    ["volumeId", "profile"],
  ],
});

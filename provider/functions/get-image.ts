/**
 * Looks an image up that servers boot from.
 *
 * Sources: IBM Cloud VPC API, "Retrieve an image", "List all images".
 */
import type * as pulumi from "@pulumi/pulumi";
import type { Session } from "../../client/session";
import { type Image, getImage as readImage, listImages } from "../../client/vpc-lookups";
import { VpcIdentityError } from "../../core/errors";
import { flag, object, oneOf, text } from "../../core/validate";
import { compact } from "../diff";
import { assertValid } from "../preflight";
import { REFERENCE, idIn, nameRule } from "../references";
import { findOne, nearest, notFound } from "./find-one";
import { type LookupInput, type LookupOptions, programSession, whenKnown } from "./program-session";

/** Which image to look up: by id, by name, or the newest of an operating system. */
export interface GetImageArgs {
  /**
   * Its id or CRN.
   * @default - `name` or `operatingSystem` is given
   */
  readonly imageId?: string;
  /**
   * Its name.
   * @default - `imageId` or `operatingSystem` is given
   */
  readonly name?: string;
  /**
   * Its operating system by IBM's name, such as "debian-12-amd64": the newest image of those that are available.
   * IBM Cloud adds images, and another image replaces a server: give servers that are to stay the option
   * `ignoreChanges: ["imageId"]`, or look the image up by `name`.
   * @default - `imageId` or `name` is given
   */
  readonly operatingSystem?: string;
  /**
   * Only IBM's images (`public`) or only those of the account (`private`), beside `name` or `operatingSystem`.
   * @default - both
   */
  readonly visibility?: "public" | "private";
  /**
   * Whether an image will do that does not run cloud-init. Its servers ignore the user data that gives them their identity.
   * @default false
   */
  readonly anyUserDataFormat?: boolean;
}

/** An image. */
export interface ImageResult extends Omit<Image, "id"> {
  /** Id of the image. */
  readonly imageId: string;
  /** Whether servers that boot from it run their user data with cloud-init. False only with `anyUserDataFormat`. */
  readonly runsCloudInit: boolean;
}

const rule = object({
  fields: {
    imageId: REFERENCE,
    name: nameRule,
    operatingSystem: text({ max: 63 }),
    visibility: oneOf("public", "private"),
    anyUserDataFormat: flag,
  },
  exactlyOne: [["imageId", "name", "operatingSystem"]],
  atMostOne: [["imageId", "visibility"]],
});

/**
 * Looks an image up.
 * @throws VpcIdentityError `IBMID_NOT_FOUND` when there is none, `IBMID_NO_CLOUD_INIT` when it does not run cloud-init
 * @example
 * const { imageId } = await getImage({ operatingSystem: "debian-12-amd64", visibility: "public" });
 */
export async function getImage(args: GetImageArgs, options?: LookupOptions): Promise<ImageResult> {
  assertValid("getImage", rule, args);
  const image = await imageOf(programSession(options), args);
  if (!runsCloudInit(image) && args.anyUserDataFormat !== true) {
    throw new VpcIdentityError(
      `image "${image.name}" (${image.id}) takes user data of format "${image.userDataFormat}" and does not run cloud-init, so ` +
        "its servers would ignore the user data that gives them their identity. Choose another image, or set " +
        "`anyUserDataFormat: true`.",
      { code: "IBMID_NO_CLOUD_INIT" },
    );
  }
  const { id, ...rest } = image;
  return compact({ imageId: id, ...rest, runsCloudInit: runsCloudInit(image) });
}

/** The Output form of `getImage`. */
export function getImageOutput(args: LookupInput<GetImageArgs>, options?: LookupOptions): pulumi.Output<ImageResult> {
  return whenKnown(args, (known) => getImage(known, options));
}

const runsCloudInit = ({ userDataFormat }: Image): boolean => userDataFormat === "cloud_init";

async function imageOf(session: Session, args: GetImageArgs): Promise<Image> {
  const { imageId, name, operatingSystem, visibility } = args;
  if (imageId !== undefined) {
    const image = await readImage(session, idIn(imageId));
    if (image === undefined) throw notFound(session, `image "${imageId}"`);
    return image;
  }
  const all = listImages(session, { visibility });
  const kind = visibility === undefined ? "image" : `${visibility} image`;
  if (name !== undefined) {
    return findOne(session, { noun: kind, sought: `named "${name}"`, name, all, fits: (image) => image.name === name });
  }
  return newest(session, { ...args, operatingSystem: operatingSystem ?? "" }, all, kind);
}

/** Images of one operating system differ in age; only those that servers can be made from count. */
async function newest(
  session: Session,
  { operatingSystem, anyUserDataFormat }: GetImageArgs & { readonly operatingSystem: string },
  all: AsyncIterable<Image>,
  kind: string,
): Promise<Image> {
  let latest: Image | undefined;
  const systems = new Set<string>();
  for await (const image of all) {
    systems.add(image.operatingSystem.name);
    const fits =
      image.operatingSystem.name === operatingSystem &&
      image.status === "available" &&
      (anyUserDataFormat === true || runsCloudInit(image));
    if (fits && (latest === undefined || image.createdAt > latest.createdAt)) latest = image;
  }
  if (latest !== undefined) return latest;
  systems.delete(operatingSystem);
  throw notFound(session, `available ${kind} of "${operatingSystem}"`, nearest(operatingSystem, [...systems]));
}

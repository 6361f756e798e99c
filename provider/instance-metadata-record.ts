/**
 * The metadata settings of a server, written down before they are changed.
 *
 * A create that is killed between its change and the next write of the state leaves nothing in the state, so the next run
 * would take for the owner's settings what the first one has made of them, and could not tell that the server has still to
 * be restarted or started again. A resource of its own is in the state by then.
 */
import * as pulumi from "@pulumi/pulumi";
import { type Instance, type MetadataService, getInstance } from "../client/vpc";
import { configure, currentSession } from "./connection";
import { UNANSWERED_APPEARS_WITHIN_MS, notFoundError, untilVisible } from "./converge";
import { type FieldTable, diffByTable } from "./diff";
import { idIn, sameReference } from "./references";
import { providerStub, typeToken } from "./stub";
import { type Timeouts, withinTimeout } from "./timeouts";

const TYPE = "InstanceMetadataRecord";

interface InstanceMetadataRecordInputs {
  readonly instanceId: string;
  readonly customTimeouts?: Timeouts | undefined;
}

/** What is written down of a server. */
export interface Recorded {
  readonly serverId: string;
  /** All settings. */
  readonly settings: MetadataService;
  /** Whether the server was running, or about to. */
  readonly running: boolean;
}

type InstanceMetadataRecordOutputs = Omit<Recorded, "serverId"> & { readonly instanceId: string };

const DOWN = ["stopped", "stopping"];

const FIELDS: FieldTable = { instanceId: { change: "replace", same: sameReference } };

/** Looks once and keeps what it saw: a record of the past neither drifts nor has anything to give back. */
export const handler: pulumi.dynamic.ResourceProvider<InstanceMetadataRecordInputs, InstanceMetadataRecordOutputs> = {
  configure,
  // The old record stays until whoever changed that server's settings has let go of them.
  diff: async (_id, olds, news) => ({
    ...diffByTable(FIELDS, { ...olds }, { ...news }),
    deleteBeforeReplace: false,
  }),
  create: async ({ instanceId, customTimeouts }) => {
    const look = (): Promise<Instance> => serverOf(instanceId);
    const { id, metadataService, status } = await withinTimeout(customTimeouts, "create", look);
    return { id, outs: { instanceId, settings: metadataService, running: !DOWN.includes(status) } };
  },
};

/** The server of an id or a CRN, which may have been made a moment ago. */
export async function serverOf(instanceId: string): Promise<Instance> {
  const id = idIn(instanceId);
  const server = await untilVisible(() => getInstance(currentSession(), id), UNANSWERED_APPEARS_WITHIN_MS);
  if (server === undefined) throw notFoundError(`server "${id}"`);
  return server;
}

/** Registered by whoever is going to change the settings, before itself. */
export class InstanceMetadataRecord extends pulumi.CustomResource {
  /** All settings, as they were when the record was made. */
  declare readonly settings: pulumi.Output<MetadataService>;
  /** Whether the server was running then, or about to. */
  declare readonly running: pulumi.Output<boolean>;

  constructor(
    name: string,
    instanceId: pulumi.Input<string>,
    { parent, dependsOn, ignoreChanges, customTimeouts }: pulumi.CustomResourceOptions,
  ) {
    const outputs = { settings: undefined, running: undefined };
    const inputs = { instanceId, ...(customTimeouts && { customTimeouts }) };
    super(
      typeToken(TYPE),
      name,
      { ...inputs, ...outputs, __provider: providerStub(TYPE) },
      {
        ...(parent && { parent }),
        ...(dependsOn && { dependsOn }),
        ...(ignoreChanges && { ignoreChanges }),
      },
    );
  }
}

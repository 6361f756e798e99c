/** What an emulator starts with: one account with its owner, and a network to put servers into. */
import { newApiKeyValue, nextEntityTag, sha256, stableUuid } from "./ids";
import type { SavedKeys } from "./keys";
import { DEFAULT_REGION } from "./regions";
import type { State } from "./state";
import { emptyVpcState, type NetworkSeed } from "./vpc/seed";
import type { IssuedLifetimes } from "./world";

/** What the first state of an emulator holds; everything has a default. */
export interface Seed {
  /** 32 hexadecimal characters. @default a fixed one */
  readonly accountId?: string;
  /** Region of the account. @default "us-south" */
  readonly region?: string;
  /** The owner's API key. @default a new one of 44 characters in every start */
  readonly apiKey?: string;
  /** What servers can be put into; `false` leaves the account without any, as IBM's walk-through finds it. @default - a VPC with subnets, images and a key */
  readonly network?: NetworkSeed | false;
  /** Lives of what is issued, in seconds, shorter than the API's minimums if you like. @default as asked for */
  readonly issuedLifetimes?: IssuedLifetimes;
}

export const DEFAULT_ACCOUNT_ID = "59bcbfa6ea2f006b4ed7094c1a08dcdd";

export function newState(seed: Seed, keys: SavedKeys, nowIso: string): State {
  const accountId = seed.accountId ?? DEFAULT_ACCOUNT_ID;
  const region = seed.region ?? DEFAULT_REGION;
  const apiKey = seed.apiKey ?? newApiKeyValue();
  const ownerId = "IBMid-270000ABCD";
  const apiKeyId = `ApiKey-${stableUuid("owner-api-key")}`;
  const groupId = stableUuid("resource-group").replaceAll("-", "");
  return {
    format: 1,
    clockOffsetMs: 0,
    keys,
    authority: { root: "", intermediate: "" },
    account: {
      id: accountId,
      region,
      owner: { id: "270000ABCD", iam_id: ownerId, email: "owner@example.com", name: "Account Owner" },
      apiKey,
      resourceGroups: { [groupId]: { id: groupId, name: "Default", default: true } },
      tags: {},
      accessTags: [],
    },
    iam: {
      apiKeys: {
        [apiKeyId]: {
          id: apiKeyId,
          entity_tag: nextEntityTag(),
          crn: `crn:v1:bluemix:public:iam-identity::a/${accountId}::apikey:${apiKeyId}`,
          name: "owner",
          iam_id: ownerId,
          account_id: accountId,
          created_at: nowIso,
          created_by: ownerId,
          modified_at: nowIso,
          locked: false,
          disabled: false,
          support_sessions: false,
          action_when_leaked: "none",
          value_hash: sha256(apiKey),
          history: [],
          activity: { authn_count: 0 },
        },
      },
      serviceIds: {},
      serviceIdGroups: {},
      profiles: {},
      rules: {},
      links: {},
      refreshTokens: {},
    },
    policy: { policies: {}, customRoles: {}, enforced: {}, waiting: [] },
    vpc: emptyVpcState(),
  };
}

/** The account itself: its owner, resource groups and tags. */
import type { Table } from "../table";

export interface User {
  readonly id: string;
  readonly iam_id: string;
  readonly email: string;
  readonly name: string;
}

export interface ResourceGroup {
  readonly id: string;
  readonly name: string;
  readonly default: boolean;
}

export interface AccountState {
  id: string;
  region: string;
  /** The user who owns the account and may do everything. */
  owner: User;
  /** The owner's API key: kept, so that a reloaded state can be used with the key it was made with. */
  apiKey: string;
  resourceGroups: Table<ResourceGroup>;
  /** Tags by CRN and kind. */
  tags: Table<{ id: string; user: string[]; access: string[]; service: string[] }>;
  /** Access tags that exist, whether attached or not. */
  accessTags: string[];
}

/** Everything the emulator knows, as one plain JSON document. */
import type { AccountState } from "./account/store";
import type { IamState } from "./iam/store";
import type { SavedKeys } from "./keys";
import type { AuthorityCertificates } from "./on-instance/authority";
import type { PolicyState } from "./policy/store";
import type { VpcState } from "./vpc/store";

export interface State {
  readonly format: 1;
  clockOffsetMs: number;
  keys: SavedKeys;
  /** The certificates of the two authorities, PEM. */
  authority: AuthorityCertificates;
  account: AccountState;
  iam: IamState;
  policy: PolicyState;
  vpc: VpcState;
}

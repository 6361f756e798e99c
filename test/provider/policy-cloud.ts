/** What the tests of policies have in common: a cloud in which each finds no policy, and a grant to begin with. */
import { deletePolicy } from "../../client/iam-policy";
import { handler } from "../../provider/access-policy";
import { type Cloud, Life, testCloud } from "./cloud";

export const PROFILE = "Profile-6d3cbb1e-ae8c-4d0e-a95d-2e6a5c1d1f2a";
export const ARGS = { profileId: PROFILE, roles: ["Operator"], service: "is" };
export const OPERATOR = "crn:v1:bluemix:public:iam::::role:Operator";
export const VIEWER = "crn:v1:bluemix:public:iam::::role:Viewer";

export interface PolicyCloud {
  readonly cloud: Cloud;
  /** Makes a policy from `ARGS` and `args`. */
  readonly create: (args?: object) => Promise<Life>;
  /** Ids of all policies. */
  readonly policies: () => string[];
}

export function policyCloud(): PolicyCloud {
  const cloud = testCloud();
  const policies = (): string[] => cloud.emulator.inventory().policies.map(({ id }) => String(id));
  afterEach(async () => {
    for (const id of policies()) await deletePolicy(cloud.elsewhere, id);
  });
  return { cloud, create: (args = {}) => new Life(handler).create({ ...ARGS, ...args }), policies };
}

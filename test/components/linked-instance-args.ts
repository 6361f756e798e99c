/** The least that a linked server takes, and a profile that exists: what its tests start from. */
import type { LinkedInstanceArgs } from "../../components/linked-instance-args";

export const PROFILE = "Profile-6d3cbb1e-ae8c-4d0e-a95d-2e6a5c1d1f2a";
export const CRN = `crn:v1:bluemix:public:iam-identity::a/0::profile:${PROFILE}`;
export const ARGS: LinkedInstanceArgs = {
  vpcId: "v",
  subnetId: "s",
  zone: "us-south-1",
  imageId: "i",
  instanceProfile: "bx2-2x8",
  trustedProfile: { policies: [{ roles: ["Operator"], service: "is" }] },
};

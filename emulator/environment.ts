/** The variables by which IBM's CLI, SDKs and Terraform provider find their endpoints. */
import type { World } from "./world";

export function environment(world: World): Record<string, string> {
  const { url } = world;
  const { apiKey, region } = world.state.account;
  const services = ["IAM_IDENTITY", "IAM_POLICY_MANAGEMENT", "RESOURCE_MANAGER", "USER_MANAGEMENT", "GLOBAL_TAGGING"];
  return {
    IBMCLOUD_API_KEY: apiKey,
    IBMCLOUD_REGION: region,
    IBMCLOUD_IAM_API_ENDPOINT: url,
    // The only one whose value has a path.
    IBMCLOUD_IS_NG_API_ENDPOINT: `${url}/v1`,
    IBMCLOUD_RESOURCE_MANAGEMENT_API_ENDPOINT: url,
    IBMCLOUD_RESOURCE_CONTROLLER_API_ENDPOINT: url,
    IBMCLOUD_USER_MANAGEMENT_ENDPOINT: url,
    IBMCLOUD_GT_API_ENDPOINT: url,
    IBMCLOUD_GS_API_ENDPOINT: url,
    ...Object.fromEntries(
      services.flatMap((name) => [
        [`${name}_URL`, url],
        [`${name}_AUTH_URL`, url],
      ]),
    ),
    VPC_URL: `${url}/v1`,
    VPC_AUTH_URL: url,
  };
}

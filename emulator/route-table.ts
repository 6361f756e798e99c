/** All routes: those of the public port, and those on the endpoints of every server. */
import { accountRoutes } from "./account/routes";
import { apiKeyRoutes } from "./iam/api-keys";
import { identityRoutes } from "./iam/identities";
import { linkRoutes } from "./iam/links";
import { profileRoutes } from "./iam/profiles";
import { ruleRoutes } from "./iam/rules";
import { serviceIdRoutes } from "./iam/service-ids";
import { tokenRoutes } from "./iam/token";
import { policyRoutes } from "./policy/policies";
import { roleRoutes } from "./policy/roles";
import { metadataRoutes } from "./on-instance/metadata";
import { identityServiceRoutes } from "./on-instance/tokens";
import { addressRoutes } from "./vpc/addresses";
import { bareMetalRoutes } from "./vpc/bare-metal";
import { catalogRoutes } from "./vpc/catalog";
import { groupRoutes } from "./vpc/groups";
import { imageRoutes } from "./vpc/images";
import { instancePartRoutes } from "./vpc/instance-parts";
import { instanceRoutes } from "./vpc/instances";
import { interfaceRoutes } from "./vpc/interfaces";
import { keyRoutes } from "./vpc/keys";
import { securityRoutes } from "./vpc/security";
import { subnetRoutes } from "./vpc/subnets";
import { templateRoutes } from "./vpc/templates";
import { volumeRoutes } from "./vpc/volumes";
import { vpcRoutes } from "./vpc/vpcs";
import type { Route } from "./call";

export const ROUTES: readonly Route[] = [
  ...tokenRoutes,
  ...apiKeyRoutes,
  ...serviceIdRoutes,
  ...profileRoutes,
  ...linkRoutes,
  ...ruleRoutes,
  ...identityRoutes,
  ...policyRoutes,
  ...roleRoutes,
  ...catalogRoutes,
  ...vpcRoutes,
  ...subnetRoutes,
  ...securityRoutes,
  ...keyRoutes,
  ...imageRoutes,
  ...volumeRoutes,
  ...interfaceRoutes,
  ...instanceRoutes,
  ...instancePartRoutes,
  ...addressRoutes,
  ...templateRoutes,
  ...groupRoutes,
  ...bareMetalRoutes,
  ...accountRoutes,
];

export const INSTANCE_ROUTES: readonly Route[] = [...identityServiceRoutes, ...metadataRoutes];

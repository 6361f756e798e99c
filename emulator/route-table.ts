/** All routes: those of the public port, and those on the endpoints of every server. */
import { identityRoutes } from "./iam/identities";
import { linkRoutes } from "./iam/links";
import { profileRoutes } from "./iam/profiles";
import { ruleRoutes } from "./iam/rules";
import { tokenRoutes } from "./iam/token";
import { policyRoutes } from "./policy/policies";
import { roleRoutes } from "./policy/roles";
import { metadataRoutes } from "./on-instance/metadata";
import { identityServiceRoutes } from "./on-instance/tokens";
import { catalogRoutes } from "./vpc/catalog";
import { imageRoutes } from "./vpc/images";
import { instancePartRoutes } from "./vpc/instance-parts";
import { instanceRoutes } from "./vpc/instances";
import { interfaceRoutes } from "./vpc/interfaces";
import { keyRoutes } from "./vpc/keys";
import { securityRoutes } from "./vpc/security";
import { subnetRoutes } from "./vpc/subnets";
import { volumeRoutes } from "./vpc/volumes";
import { vpcRoutes } from "./vpc/vpcs";
import type { Route } from "./call";

export const ROUTES: readonly Route[] = [
  ...tokenRoutes,
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
];

export const INSTANCE_ROUTES: readonly Route[] = [...identityServiceRoutes, ...metadataRoutes];

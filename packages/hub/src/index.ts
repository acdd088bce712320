export type { Authenticator, HandshakeRequest } from "./auth/authenticator.ts";
export { type Claims, type Grant, toGrant } from "./auth/grant.ts";
export type { JwtOptions } from "./auth/jwt-authenticator.ts";
export type { ProjectsOf } from "./auth/project-lookup.ts";
export type { RevocationTarget } from "./auth/revocation-set.ts";
export { DEFAULT_GATEWAY_LIMITS, type GatewayLimits } from "./gateway/limits.ts";
export { type CloseHubOptions, type Hub, startHub } from "./hub.ts";
export type { HubOptions } from "./hub-options.ts";
export type { LogLevel } from "./observability/logger.ts";
export { parseRules } from "./rules/declared-rules.ts";
export {
  type Access,
  type AllowOptions,
  allow,
  type Condition,
  type Rule,
  type RuleContext,
  type RuleIdentity,
} from "./rules/rule.ts";
export {
  accountIdentity,
  hubIdentity,
  type Identity,
  type IdentityFields,
  type ProjectGrants,
  type ProjectRole,
  projectIdentity,
} from "./scope/identity.ts";

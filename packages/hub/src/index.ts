export type { Authenticator, HandshakeRequest } from "./auth/authenticator.ts";
export { DEFAULT_GATEWAY_LIMITS, type GatewayLimits } from "./gateway/limits.ts";
export { type CloseHubOptions, type Hub, startHub } from "./hub.ts";
export type { HubOptions } from "./hub-options.ts";
export type { LogLevel } from "./observability/logger.ts";
export { accountIdentity, hubIdentity, type Identity, projectIdentity } from "./scope/identity.ts";

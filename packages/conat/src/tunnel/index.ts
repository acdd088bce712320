export { encodeTunnelMessage } from "./tunnel-message.ts";
export { createTunnelRoute } from "./tunnel-route.ts";
export { TUNNEL_WINDOW_BYTES, TunnelStream } from "./tunnel-stream.ts";

import { Agent } from "node:http";
import { WebSocket } from "ws";
import type { WebSocketConnection } from "./web-socket.ts";

/** Node's own WebSocket came after the oldest Node that this runs on, and takes no agent. */
export function openWebSocket(url: string, agent?: object): WebSocketConnection {
  return new WebSocket(url, {
    perMessageDeflate: false,
    ...(agent instanceof Agent && { agent }),
  });
}

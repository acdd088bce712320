import { Agent } from "node:http";
import { WebSocket } from "ws";
import type { WebSocketConnection, WebSocketListener } from "./web-socket.ts";

/** Node's own WebSocket came after the oldest Node that this runs on, and takes no agent. */
export function openWebSocket(
  url: string,
  listener: WebSocketListener,
  agent?: object,
): WebSocketConnection {
  const socket = new WebSocket(url, {
    perMessageDeflate: false,
    ...(agent instanceof Agent && { agent }),
  });
  // Its own events: those of browsers cost an object for each message.
  return socket
    .on("message", (data, isBinary) => listener.onMessage(isBinary ? data : String(data)))
    .on("error", (error) => listener.onError(error))
    .on("close", (code) => listener.onClose(code));
}

import type { WebSocketConnection } from "./web-socket.ts";

/** @throws what the browser throws for an address that the page may not connect to */
export function openWebSocket(url: string): WebSocketConnection {
  const socket = new WebSocket(url);
  socket.binaryType = "arraybuffer";
  return socket;
}

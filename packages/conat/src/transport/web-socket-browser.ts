import type { WebSocketConnection, WebSocketListener } from "./web-socket.ts";

/** @throws what the browser throws for an address that the page may not connect to */
export function openWebSocket(url: string, listener: WebSocketListener): WebSocketConnection {
  const socket = new WebSocket(url);
  socket.binaryType = "arraybuffer";
  socket.onmessage = ({ data }) => listener.onMessage(data);
  socket.onerror = () => listener.onError();
  socket.onclose = ({ code }) => listener.onClose(code);
  return socket;
}

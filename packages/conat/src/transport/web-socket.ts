/** What a link uses of a WebSocket: of a browser's, or of the one that stands in for it in Node. */
export interface WebSocketConnection {
  /** 1 while it is open. */
  readonly readyState: number;
  /** Bytes that the network has not taken yet. */
  readonly bufferedAmount: number;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(): void;
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(type: "close", listener: (event: { readonly code: number }) => void): void;
  /** A browser says nothing about it; Node has an `error`. */
  addEventListener(type: "error", listener: (event: object) => void): void;
}

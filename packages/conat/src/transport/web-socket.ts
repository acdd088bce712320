/** What a link uses of a WebSocket: of a browser's, or of the one that stands in for it in Node. */
export interface WebSocketConnection {
  /** 1 while it is open. */
  readonly readyState: number;
  /** Bytes that the network has not taken yet. */
  readonly bufferedAmount: number;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(): void;
}

export interface WebSocketListener {
  /** @param data text, or bytes */
  onMessage(data: unknown): void;
  /** @param cause a browser tells none */
  onError(cause?: Error): void;
  onClose(code: number): void;
}

import { type RawData, type ServerOptions, WebSocket, WebSocketServer } from "ws";

/**
 * Answers pings one at a time, and of those that come meanwhile the last, as WebSocket's standard has it. An answer to
 * each, as otherwise, would wait in memory for a client that sends pings and does not read.
 */
class PatientWebSocket extends WebSocket {
  #isAnswering = false;
  #lastPing: RawData | undefined;

  override pong(data: RawData): void {
    if (this.#isAnswering) {
      this.#lastPing = data;
      return;
    }
    this.#isAnswering = true;
    super.pong(data, false, () => {
      this.#isAnswering = false;
      const last = this.#lastPing;
      this.#lastPing = undefined;
      if (last !== undefined) this.pong(last);
    });
  }
}

/** What Engine.IO opens the WebSockets of clients with. */
export class PatientWebSocketServer extends WebSocketServer<typeof PatientWebSocket> {
  constructor(options: ServerOptions<typeof PatientWebSocket>) {
    super({ ...options, WebSocket: PatientWebSocket });
  }
}

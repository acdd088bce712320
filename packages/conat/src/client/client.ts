import type { Session, SessionStatus } from "../session/session.ts";

/** A connection that any number of stores and channels share. */
export class Client {
  /** Where it connects to. */
  readonly address: string;
  readonly session: Session;

  constructor(address: string, session: Session) {
    this.address = address;
    this.session = session;
  }

  get status(): SessionStatus {
    return this.session.status;
  }

  /** Calls `listener` on every change of {@link status}. Returns the function that stops it. */
  onStatus(listener: (status: SessionStatus) => void): () => void {
    return this.session.onStatus(listener);
  }

  /**
   * Resolves when the client is connected.
   * @throws ConatError the reason of a refusal; `closed`; `timeout` after `timeoutMs` (default 30 s)
   */
  ready(timeoutMs?: number): Promise<void> {
    return this.session.ready(timeoutMs);
  }

  /** Ends the connection, and everything opened through it without a flush: close stores first. Idempotent. */
  close(): Promise<void> {
    return this.session.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

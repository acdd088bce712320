import type { NatsConnection, Subscription } from "@nats-io/nats-core";
import { electedStream, electionSubjects } from "../protocol/subjects.ts";
import { Emitter } from "../util/emitter.ts";

/** Hears which streams get a leader, in place of another one or after a time without. Only a cluster elects any. */
export class Elections {
  readonly #listeners = new Emitter<{ elected: [stream: string] }>();
  #connection: NatsConnection | undefined;
  #subscription: Subscription | undefined;

  /** Listens on this connection from now on, and on no other. */
  listen(connection: NatsConnection): void {
    if (this.#connection === connection) return;
    this.#subscription?.unsubscribe();
    this.#connection = connection;
    this.#subscription = connection.subscribe(electionSubjects(), {
      callback: (error, message) => {
        // Who may not listen to it is left with the deadlines of what they ask for.
        if (error === null) this.#listeners.emit("elected", electedStream(message.subject));
      },
    });
  }

  onElected(listener: (stream: string) => void): () => void {
    return this.#listeners.on("elected", listener);
  }

  /**
   * The answer to a question that the leader of a stream answers. Where there is none nobody does, not even later: it is
   * asked again whenever there is one, and the first that is settled counts.
   */
  async ask<Answer>(stream: string, question: () => Promise<Answer>): Promise<Answer> {
    let stop = (): void => {};
    const again = new Promise<Answer>((resolve, reject) => {
      stop = this.onElected((elected) => {
        // Each is listened to: a leader may be gone before it answers, and of a failure nobody heard the process would end.
        if (elected === stream) question().then(resolve, reject);
      });
    });
    try {
      return await Promise.race([question(), again]);
    } finally {
      stop();
    }
  }
}

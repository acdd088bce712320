/**
 * Why a nats-server of our own could not be had:
 * - `not-found`: no usable binary anywhere, or the one named does not run
 * - `too-old`: the binary named lacks features the stores need
 * - `folder-in-use`: another nats-server holds the data folder
 * - `folder-unusable`: the data folder cannot be made, read or written
 * - `start-failed`: it ended, or did not answer, before it was ready
 * - `checksum-mismatch`: a download is not what its publisher released
 * - `port-in-use`: the port asked for belongs to another process
 */
export type NatsServerErrorKind =
  | "not-found"
  | "too-old"
  | "folder-in-use"
  | "folder-unusable"
  | "start-failed"
  | "checksum-mismatch"
  | "port-in-use";

/** What every function of this folder throws; the message is one sentence fit for a terminal. */
export class NatsServerError extends Error {
  readonly kind: NatsServerErrorKind;

  constructor(kind: NatsServerErrorKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "NatsServerError";
    this.kind = kind;
  }
}

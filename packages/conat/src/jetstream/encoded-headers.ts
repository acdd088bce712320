import { MsgHdrsImpl } from "@nats-io/nats-core";

/**
 * Headers that are encoded already. The client library asks for them while it publishes, so that one object serves all
 * messages of a publisher; its own header object costs more than the rest of a publish.
 */
export class EncodedHeaders extends MsgHdrsImpl {
  bytes: Uint8Array = new Uint8Array(0);

  override encode(): Uint8Array {
    return this.bytes;
  }
}

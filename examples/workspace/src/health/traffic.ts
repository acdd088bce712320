/** What has gone over the page's connections. */
export interface Traffic {
  readonly framesIn: number;
  readonly framesOut: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

const counts = { framesIn: 0, framesOut: 0, bytesIn: 0, bytesOut: 0 };

export function traffic(): Traffic {
  return { ...counts };
}

function sizeOf(data: unknown): number {
  if (data instanceof ArrayBuffer || ArrayBuffer.isView(data)) return data.byteLength;
  if (data instanceof Blob) return data.size;
  return typeof data === "string" ? data.length : 0;
}

/** A socket that counts. For debugging only: the page works the same without. */
class CountedSocket extends WebSocket {
  constructor(url: string | URL, protocols?: string | string[]) {
    super(url, protocols);
    this.addEventListener("message", ({ data }) => {
      counts.framesIn += 1;
      counts.bytesIn += sizeOf(data);
    });
  }

  override send(data: Parameters<WebSocket["send"]>[0]): void {
    counts.framesOut += 1;
    counts.bytesOut += sizeOf(data);
    super.send(data);
  }
}

globalThis.WebSocket = CountedSocket;

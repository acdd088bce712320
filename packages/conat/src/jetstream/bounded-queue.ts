/** First in, first out, bounded in number and bytes. What happens past the bound is the caller's to decide. */
export class BoundedQueue<Item extends { readonly bytes: number }> {
  readonly #maxItems: number;
  readonly #maxBytes: number;
  #items: Item[] = [];
  #first = 0;
  #bytes = 0;

  constructor(maxItems: number, maxBytes: number) {
    this.#maxItems = maxItems;
    this.#maxBytes = maxBytes;
  }

  get length(): number {
    return this.#items.length - this.#first;
  }

  /** Whether one more item of this size would be past the bound. */
  isFullFor(bytes: number): boolean {
    return (
      this.length >= this.#maxItems || (this.length > 0 && this.#bytes + bytes > this.#maxBytes)
    );
  }

  push(item: Item): void {
    this.#items.push(item);
    this.#bytes += item.bytes;
  }

  peek(): Item | undefined {
    return this.#items[this.#first];
  }

  shift(): Item | undefined {
    const item = this.#items[this.#first];
    if (item === undefined) return undefined;
    this.#first += 1;
    this.#bytes -= item.bytes;
    if (this.#first === this.#items.length || this.#first > 1_024) {
      this.#items = this.#items.slice(this.#first);
      this.#first = 0;
    }
    return item;
  }

  takeAll(): Item[] {
    const items = this.#items.slice(this.#first);
    this.#items = [];
    this.#first = 0;
    this.#bytes = 0;
    return items;
  }
}

/** Of all states together: some 700 captions of 30 tokens as T5 base tells them. */
const MOST_BYTES = 2 ** 26;

/** The states of texts that were asked for last, [tokens, hiddenSize] each; the oldest go first. */
export class RecentStates {
  readonly #most: number;
  readonly #states = new Map<string, Float32Array>();
  #bytes = 0;

  constructor(mostBytes = MOST_BYTES) {
    this.#most = mostBytes;
  }

  get(text: string): Float32Array | undefined {
    const states = this.#states.get(text);
    if (states === undefined) return undefined;
    this.#states.delete(text);
    this.#states.set(text, states);
    return states;
  }

  /** Keeps the states of a text that it does not have. */
  add(text: string, states: Float32Array): void {
    this.#states.set(text, states);
    this.#bytes += states.byteLength;
    for (const [oldest, { byteLength }] of this.#states) {
      if (this.#bytes <= this.#most) return;
      this.#states.delete(oldest);
      this.#bytes -= byteLength;
    }
  }

  clear(): void {
    this.#states.clear();
    this.#bytes = 0;
  }
}

import type { Engine } from '../../engine/engine.ts';
import { InvalidInput } from '../../errors.ts';
import type { TensorSource } from '../../protocol/tensor-source.ts';
import type { Conditioner } from '../conditioner.ts';
import type { TextBatch } from '../text.ts';
import type { T5Config } from './config.ts';
import { LoadedEncoder } from './loaded-encoder.ts';
import { RecentStates } from './recent-states.ts';
import { createTokenizer, type Tokenizer, type TokenizerFiles } from './tokenizer.ts';

/** Texts of one run. */
const ROWS = 8;
/** More says nothing about a minute of music, and T5 was trained on 512 tokens. */
const MAX_CHARACTERS = 4096;
export const MAX_TOKENS = 512;

export type T5Parts = { readonly config: T5Config; readonly weights: TensorSource; readonly tokenizer: TokenizerFiles };

/**
 * Tells a decoder T5's states of a text, those of its pieces and of the `</s>` that ends it; 0 at padding, since a decoder
 * looks at none of it. The encoder is loaded when a text is new and stays until `dispose`; texts are encoded with those of
 * the same length only, so that what they come with does not even change their rounding.
 * @throws {InvalidInput} when the tokenizer's files are no T5's; when it tells, naming a tensor that is missing, of another shape, or not finite
 */
export function t5Conditioner(engine: Engine, parts: T5Parts): Conditioner {
  return new T5Conditioner(engine, parts, createTokenizer(parts.tokenizer));
}

class T5Conditioner implements Conditioner {
  readonly #engine: Engine;
  readonly #parts: T5Parts;
  readonly #tokenizer: Tokenizer;
  readonly #recent = new RecentStates();
  #encoder: LoadedEncoder | undefined;
  /** One call after the other, lest one disposes what another runs. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(engine: Engine, parts: T5Parts, tokenizer: Tokenizer) {
    this.#engine = engine;
    this.#parts = parts;
    this.#tokenizer = tokenizer;
  }

  async tell(texts: readonly string[]): Promise<TextBatch> {
    if (texts.length === 0) throw new InvalidInput('Expected at least one text, got none');
    const tokens = new Map([...new Set(texts)].map((text) => [text, this.#tokens(text)]));
    return await this.#inTurn(async () => {
      const states = await this.#states(tokens);
      return padded(texts.map((text) => states.get(text)!), this.#parts.config.hiddenSize);
    });
  }

  async dispose(): Promise<void> {
    await this.#inTurn(async () => {
      const encoder = this.#encoder;
      this.#encoder = undefined;
      this.#recent.clear();
      await encoder?.dispose();
    });
  }

  #tokens(text: string): number[] {
    if (text.length > MAX_CHARACTERS) throw new InvalidInput(`Expected a text of at most ${MAX_CHARACTERS} characters, got ${text.length}`);
    const tokens = this.#tokenizer.encode(text);
    if (tokens.length > MAX_TOKENS) throw new InvalidInput(`Expected a text of at most ${MAX_TOKENS} tokens, got ${tokens.length}`);
    const { vocabSize } = this.#parts.config;
    const stranger = tokens.find((id) => id >= vocabSize);
    if (stranger !== undefined) throw new InvalidInput(`Expected tokens of a text encoder that knows ${vocabSize}, got ${stranger}`);
    return tokens;
  }

  /** By text: those that are kept, and the others encoded. */
  async #states(tokens: ReadonlyMap<string, readonly number[]>): Promise<Map<string, Float32Array>> {
    const states = new Map<string, Float32Array>();
    const missing = new Map<number, string[]>(); // by length
    for (const [text, { length }] of tokens) {
      const kept = this.#recent.get(text);
      if (kept === undefined) missing.set(length, [...(missing.get(length) ?? []), text]);
      else states.set(text, kept);
    }
    for (const alike of missing.values()) {
      for (let from = 0; from < alike.length; from += ROWS) {
        const chunk = alike.slice(from, from + ROWS);
        this.#encoder ??= await LoadedEncoder.load(this.#engine, this.#parts.config, this.#parts.weights);
        const encoded = await this.#encoder.states(chunk.map((text) => tokens.get(text)!));
        chunk.forEach((text, row) => {
          states.set(text, encoded[row]!);
          this.#recent.add(text, encoded[row]!);
        });
      }
    }
    return states;
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(work);
    this.#last = mine.catch(() => undefined);
    return await mine;
  }
}

/** Rows of [length, hiddenSize] as one batch, 0 behind the shorter ones. */
function padded(rows: readonly Float32Array[], hiddenSize: number): TextBatch {
  const lengths = rows.map((row) => row.length / hiddenSize);
  const length = Math.max(...lengths);
  const states = new Float32Array(rows.length * length * hiddenSize);
  const mask = new Float32Array(rows.length * length);
  rows.forEach((row, r) => {
    states.set(row, r * length * hiddenSize);
    mask.fill(1, r * length, r * length + lengths[r]!);
  });
  return { rows: rows.length, length, mask, content: { kind: 'states', states } };
}

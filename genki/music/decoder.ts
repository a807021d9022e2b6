import type { Dim, Ops } from '../engine/engine.ts';
import type { DecoderConfig } from './config.ts';
import { names } from './weights.ts';

/** What a layer is computed with: an engine's operations and, by name, the model's weights. */
export type Net<T> = {
  readonly ops: Ops<T>;
  weight(name: string): T;
  /** x Wᵀ of a linear layer without bias, with whatever adapter it has: [..., in] -> [..., out]. */
  linear(x: T, module: string): T;
};

/** Keys and values of one attention, each [B, H, length, hiddenSize / H]. */
export type KeysValues<T> = { readonly keys: T; readonly values: T };

/** What the music is told: states [B, S, text.hiddenSize] and their mask [B, S], 1 at a word and 0 at padding. */
export type TextStates<T> = { readonly states: T; readonly mask: T };

/** What cross-attention looks at, the same at every position: keys and values by layer, and what to add to the scores. */
export type CrossStates<T> = { readonly layers: readonly KeysValues<T>[]; readonly bias: T };

/** The codes so far and where they stand. */
export type DecoderInput<T> = {
  /** By codebook: int32 [B, T]. */
  readonly ids: readonly T[];
  /** [T, hiddenSize]. */
  readonly positions: T;
  readonly cross: CrossStates<T>;
  /** Added to the scores of self-attention, [T, T]; none where every position may see all the others. */
  readonly causalBias?: T;
  /** Keys and values of the positions before, by layer: [B, H, P, hiddenSize / H]. */
  readonly past?: readonly KeysValues<T>[];
};

export type DecoderOutput<T> = {
  /** [B, T, hiddenSize]: the embeddings, then what each layer gives, the last one normed, as Hugging Face lists them. */
  readonly hidden: readonly T[];
  /** [B, T, numCodebooks, vocabSize]. */
  readonly logits: T;
  /** Keys and values of all positions, those before included, by layer. */
  readonly present: readonly KeysValues<T>[];
};

/** The sizes of one run, as the engine takes them: rows, positions, words. */
export type Sizes = { readonly B: Dim; readonly T: Dim; readonly S: Dim };

const EPSILON = 1e-5;
/** So low that softmax gives it exactly nothing, and no infinity that would turn into NaN. */
export const MASKED = -1e9;

/** MusicGen's decoder: pre-norm layers of self-attention, cross-attention and GELU, all codebooks in one sequence. */
export class Decoder<T> {
  readonly #net: Net<T>;
  readonly #config: DecoderConfig;
  readonly #sizes: Sizes;

  constructor(net: Net<T>, config: DecoderConfig, sizes: Sizes) {
    this.#net = net;
    this.#config = config;
    this.#sizes = sizes;
  }

  /**
   * Projects the text and gives every layer's keys and values of it. A row without any word has states of 0, of which
   * keys and values are 0 too: its cross-attention adds exactly 0, which is what guidance calls unconditional.
   */
  crossStates({ states, mask }: TextStates<T>): CrossStates<T> {
    const { ops, weight } = this.#net;
    const { B, S } = this.#sizes;
    const projected = ops.add(ops.matmul(states, weight(`${names.projection}.weight`), { transposeB: true }), weight(`${names.projection}.bias`));
    const text = ops.mul(projected, ops.reshape(mask, [B, S, 1]));
    return { layers: this.#layers().map((layer) => this.#keysValues(text, `${layer}.encoder_attn`, S)), bias: this.crossBias(mask) };
  }

  /** What keeps cross-attention off the padding: [B, S] -> [B, 1, 1, S]. */
  crossBias(mask: T): T {
    const { ops } = this.#net;
    const { B, S } = this.#sizes;
    return ops.reshape(ops.mul(ops.sub(1, mask), MASKED), [B, 1, 1, S]);
  }

  run({ ids, positions, cross, causalBias, past }: DecoderInput<T>): DecoderOutput<T> {
    const { ops, weight } = this.#net;
    const present: KeysValues<T>[] = [];
    const embedded = ids.map((codes, k) => ops.gather(weight(names.embedding(k)), codes)).reduce((sum, part) => ops.add(sum, part));
    let x = ops.add(embedded, positions);
    const hidden = [x];
    this.#layers().forEach((layer, l) => {
      const normed = this.#norm(x, `${layer}.self_attn_layer_norm`);
      const own = this.#selfKeysValues(normed, `${layer}.self_attn`, past?.[l]);
      present.push(own);
      x = ops.add(x, this.#attend(`${layer}.self_attn`, normed, own, causalBias));
      x = ops.add(x, this.#attend(`${layer}.encoder_attn`, this.#norm(x, `${layer}.encoder_attn_layer_norm`), cross.layers[l]!, cross.bias));
      x = ops.add(x, this.#feedForward(this.#norm(x, `${layer}.final_layer_norm`), layer));
      hidden.push(x);
    });
    x = this.#norm(x, names.finalNorm);
    hidden[hidden.length - 1] = x;
    return { hidden, logits: this.#heads(x), present };
  }

  #selfKeysValues(x: T, module: string, past?: KeysValues<T>): KeysValues<T> {
    const { ops } = this.#net;
    const own = this.#keysValues(x, module, this.#sizes.T);
    if (past === undefined) return own;
    return { keys: ops.concat([past.keys, own.keys], 2, 'N'), values: ops.concat([past.values, own.values], 2, 'N') };
  }

  #keysValues(x: T, module: string, length: Dim): KeysValues<T> {
    const { linear } = this.#net;
    return { keys: this.#split(linear(x, `${module}.k_proj`), length), values: this.#split(linear(x, `${module}.v_proj`), length) };
  }

  /** softmax(q kᵀ / √(hiddenSize / H) + bias) v, heads apart, projected. */
  #attend(module: string, x: T, { keys, values }: KeysValues<T>, bias?: T): T {
    const { ops, linear } = this.#net;
    const { B, T } = this.#sizes;
    const { hiddenSize, numHeads } = this.#config;
    const queries = this.#split(ops.mul(linear(x, `${module}.q_proj`), (hiddenSize / numHeads) ** -0.5), T);
    const scores = ops.matmul(queries, keys, { transposeB: true });
    const mixed = ops.matmul(ops.softmax(bias === undefined ? scores : ops.add(scores, bias)), values);
    return linear(ops.reshape(ops.transpose(mixed, [0, 2, 1, 3]), [B, T, hiddenSize]), `${module}.out_proj`);
  }

  #feedForward(x: T, layer: string): T {
    const { ops, linear } = this.#net;
    return linear(ops.gelu(linear(x, `${layer}.fc1`)), `${layer}.fc2`);
  }

  /** All codebooks' heads as one product. */
  #heads(x: T): T {
    const { ops, weight } = this.#net;
    const { B, T } = this.#sizes;
    const { numCodebooks, vocabSize } = this.#config;
    const weights = ops.concat(Array.from({ length: numCodebooks }, (_, k) => weight(names.head(k))), 0);
    return ops.reshape(ops.matmul(x, weights, { transposeB: true }), [B, T, numCodebooks, vocabSize]);
  }

  /** [B, length, hiddenSize] -> [B, H, length, hiddenSize / H]. */
  #split(x: T, length: Dim): T {
    const { ops } = this.#net;
    const { hiddenSize, numHeads } = this.#config;
    return ops.transpose(ops.reshape(x, [this.#sizes.B, length, numHeads, hiddenSize / numHeads]), [0, 2, 1, 3]);
  }

  #norm(x: T, name: string): T {
    return this.#net.ops.layerNorm(x, this.#net.weight(`${name}.weight`), this.#net.weight(`${name}.bias`), EPSILON);
  }

  #layers(): string[] {
    return Array.from({ length: this.#config.numLayers }, (_, l) => names.layer(l));
  }
}

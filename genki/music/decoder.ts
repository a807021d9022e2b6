import type { Dim, Ops } from '../engine/engine.ts';
import { activate } from './activation.ts';
import { chromaConfig, type DecoderConfig } from './config.ts';
import { names } from './weights.ts';

/** What a layer is computed with: an engine's operations and, by name, the model's weights. */
export type Net<T> = {
  readonly ops: Ops<T>;
  weight(name: string): T;
  /** x Wᵀ of a linear layer without bias, with whatever adapter it has: [..., in] -> [..., out]. */
  linear(x: T, module: string): T;
  /** All codebooks' heads one below the other, where they are at hand so: [numCodebooks · vocabSize, hiddenSize]. */
  readonly heads?: T;
};

/** Keys and values of one attention, each [B, H, length, hiddenSize / H]. */
export type KeysValues<T> = { readonly keys: T; readonly values: T };

/** Keys and values of the positions before: of those that stay as they are, and of the latest, to which new ones are joined. */
export type Past<T> = { readonly settled: KeysValues<T>; readonly recent: KeysValues<T> };

/**
 * What the music is told: states [B, S, text.hiddenSize], their mask [B, S], 1 at a word and 0 at padding, and how (see
 * `TextConfig`); and, of a model that follows one, a melody [B, chroma.length, chroma.bins].
 */
export type TextStates<T> = { readonly states: T; readonly mask: T; readonly isProjected?: boolean; readonly melody?: T };

/** What cross-attention looks at, the same at every position: keys and values by layer, and what to add to the scores. */
export type CrossStates<T> = { readonly layers: readonly KeysValues<T>[]; readonly bias: T };

/** How the layers are told it: by cross-attention, or as the positions [B, Q, hiddenSize] that stand before the music. */
export type Told<T> = { readonly cross: CrossStates<T>; readonly prefix?: never } | { readonly cross?: never; readonly prefix: T };

/** The codes so far and where they stand. L = T; of a model told by a prefix, L = Q + T. */
export type DecoderInput<T> = Told<T> & {
  /** By codebook: int32 [B, T]. */
  readonly ids: readonly T[];
  /** [L, hiddenSize]. */
  readonly positions: T;
  /** Added to the scores of self-attention, [L, L], or [L, recent + L] with a past; none where every position may see all the others. */
  readonly causalBias?: T;
  /** By layer. */
  readonly past?: readonly Past<T>[];
};

/** What a layer looks at beside its own positions. */
export type LayerInput<T> = { readonly cross?: KeysValues<T>; readonly crossBias?: T; readonly causalBias?: T; readonly past?: Past<T> };

export type DecoderOutput<T> = {
  /** [B, L, hiddenSize]: the embeddings, then what each layer gives, the last one normed, as Hugging Face lists them. */
  readonly hidden: readonly T[];
  /** [B, T, numCodebooks, vocabSize]. */
  readonly logits: T;
  /** Keys and values of these positions, behind the recent ones of the past, by layer. */
  readonly present: readonly KeysValues<T>[];
};

/** The sizes of one run, as the engine takes them: rows, the music's positions, words, the layers' positions. */
export type Sizes = { readonly B: Dim; readonly T: Dim; readonly S: Dim; readonly L: Dim };

const EPSILON = 1e-5;
/** So low that softmax gives it exactly nothing, and no infinity that would turn into NaN. */
export const MASKED = -1e9;

/**
 * MusicGen's decoder: pre-norm layers of self-attention, cross-attention and feed-forward, all codebooks in one sequence.
 * MusicGen melody's has no cross-attention: what it is told stands before the music, and positions count from there.
 */
export class Decoder<T> {
  readonly #net: Net<T>;
  readonly #config: DecoderConfig;
  readonly #sizes: Sizes;

  constructor(net: Net<T>, config: DecoderConfig, sizes: Sizes) {
    this.#net = net;
    this.#config = config;
    this.#sizes = sizes;
  }

  /** What the layers are told, by cross-attention or by a prefix, as the model is. */
  told(states: TextStates<T>): Told<T> {
    return this.#config.told?.by === 'prefix' ? { prefix: this.prefix(states) } : { cross: this.crossStates(states) };
  }

  /**
   * The melody and behind it the text, both projected: [B, Q, hiddenSize], Q = chroma.length + S. Nothing is masked: padding
   * is heard, as states of 0, and so is a row without any word, which is what guidance calls unconditional.
   */
  prefix(told: TextStates<T>): T {
    return this.#net.ops.concat([this.#melody(told.melody!), this.text(told)], 1, 'Q');
  }

  /**
   * Projects the text and gives every layer's keys and values of it. A row without any word has states of 0, of which
   * keys and values are 0 too: its cross-attention adds exactly 0, which is what guidance calls unconditional.
   */
  crossStates(told: TextStates<T>): CrossStates<T> {
    const text = this.text(told);
    return { layers: this.#layers().map((layer) => this.crossKeysValues(text, layer)), bias: this.crossBias(told.mask) };
  }

  /** The text as the layers look at it, 0 at padding: [B, S, text.hiddenSize] -> [B, S, hiddenSize]. */
  text({ states, mask, isProjected = true }: TextStates<T>): T {
    const { ops } = this.#net;
    const { B, S } = this.#sizes;
    const projected = isProjected ? this.#projected(states, names.projection) : states;
    return ops.mul(projected, ops.reshape(mask, [B, S, 1]));
  }

  /** One layer's keys and values of `text`. */
  crossKeysValues(text: T, layer: string): KeysValues<T> {
    return this.#keysValues(text, `${layer}.encoder_attn`, this.#sizes.S);
  }

  /** What keeps cross-attention off the padding: [B, S] -> [B, 1, 1, S]. */
  crossBias(mask: T): T {
    const { ops } = this.#net;
    const { B, S } = this.#sizes;
    return ops.reshape(ops.mul(ops.sub(1, mask), MASKED), [B, 1, 1, S]);
  }

  run({ ids, positions, cross, prefix, causalBias, past }: DecoderInput<T>): DecoderOutput<T> {
    const present: KeysValues<T>[] = [];
    const hidden = [this.embed(ids, positions, prefix)];
    this.#layers().forEach((layer, l) => {
      const { x, own } = this.layer(layer, hidden[l]!, { ...(cross && { cross: cross.layers[l]!, crossBias: cross.bias }), ...(causalBias && { causalBias }), ...(past && { past: past[l]! }) });
      hidden.push(x);
      present.push(own);
    });
    const last = this.#norm(hidden.pop()!, names.finalNorm);
    return { hidden: [...hidden, last], logits: this.#heads(prefix === undefined ? last : this.music(last, prefix, ids[0]!)), present };
  }

  /** The sum of all codebooks' embeddings, behind a prefix if there is one, and the positions: [B, L, hiddenSize]. */
  embed(ids: readonly T[], positions: T, prefix?: T): T {
    const { ops, weight } = this.#net;
    const embedded = ids.map((codes, k) => ops.gather(weight(names.embedding(k)), codes)).reduce((sum, part) => ops.add(sum, part));
    return ops.add(prefix === undefined ? embedded : ops.concat([prefix, embedded], 1, 'L'), positions);
  }

  /** What of x stands behind the prefix: [B, L, hiddenSize] -> [B, T, hiddenSize]; `like` has T as its second size. */
  music(x: T, prefix: T, like: T): T {
    return this.#net.ops.split(x, [prefix, like], 1)[1]!;
  }

  /** What one layer makes of x, [B, L, hiddenSize], and the keys and values of its self-attention. */
  layer(layer: string, x: T, { cross, crossBias, causalBias, past }: LayerInput<T>): { readonly x: T; readonly own: KeysValues<T> } {
    const { ops } = this.#net;
    const normed = this.#norm(x, `${layer}.self_attn_layer_norm`);
    const own = this.#selfKeysValues(normed, `${layer}.self_attn`, past?.recent);
    const heard = ops.add(x, this.#attend(`${layer}.self_attn`, normed, past === undefined ? [own] : [own, past.settled], causalBias));
    const told = cross === undefined ? heard : ops.add(heard, this.#attend(`${layer}.encoder_attn`, this.#norm(heard, `${layer}.encoder_attn_layer_norm`), [cross], crossBias));
    return { x: ops.add(told, this.#feedForward(this.#norm(told, `${layer}.final_layer_norm`), layer)), own };
  }

  /** Of what the last layer gives: [B, T, hiddenSize] -> [B, T, numCodebooks, vocabSize]. */
  logits(x: T): T {
    return this.#heads(this.#norm(x, names.finalNorm));
  }

  /** [B, chroma.length, chroma.bins] -> [B, chroma.length, hiddenSize]. */
  #melody(frames: T): T {
    return chromaConfig(this.#config)!.bins === this.#config.hiddenSize ? frames : this.#projected(frames, names.melodyProjection);
  }

  #projected(x: T, module: string): T {
    const { ops, weight } = this.#net;
    return ops.add(ops.matmul(x, weight(`${module}.weight`), { transposeB: true }), weight(`${module}.bias`));
  }

  #selfKeysValues(x: T, module: string, recent?: KeysValues<T>): KeysValues<T> {
    const own = this.#keysValues(x, module, this.#sizes.L);
    return recent === undefined ? own : joined(this.#net.ops, recent, own);
  }

  #keysValues(x: T, module: string, length: Dim): KeysValues<T> {
    const { linear } = this.#net;
    return { keys: this.#split(linear(x, `${module}.k_proj`), length), values: this.#split(linear(x, `${module}.v_proj`), length) };
  }

  /** softmax(q kᵀ / √(hiddenSize / H) + bias) v over all parts, the bias being the first part's, heads apart, projected. */
  #attend(module: string, x: T, parts: readonly KeysValues<T>[], bias?: T): T {
    const { ops, linear } = this.#net;
    const { B, L } = this.#sizes;
    const { hiddenSize, numHeads } = this.#config;
    const queries = this.#split(ops.mul(linear(x, `${module}.q_proj`), (hiddenSize / numHeads) ** -0.5), L);
    const scores = parts.map(({ keys }, i) => {
      const plain = ops.matmul(queries, keys, { transposeB: true });
      return bias === undefined || i > 0 ? plain : ops.add(plain, bias);
    });
    const weights = scores.length === 1 ? [ops.softmax(scores[0]!)] : ops.split(ops.softmax(ops.concat(scores, 3, 'A')), scores, 3);
    const mixed = weights.map((weight, i) => ops.matmul(weight, parts[i]!.values)).reduce((sum, part) => ops.add(sum, part));
    return linear(ops.reshape(ops.transpose(mixed, [0, 2, 1, 3]), [B, L, hiddenSize]), `${module}.out_proj`);
  }

  #feedForward(x: T, layer: string): T {
    const { ops, linear } = this.#net;
    return linear(activate(ops, linear(x, `${layer}.fc1`), this.#config.activation ?? 'gelu'), `${layer}.fc2`);
  }

  /** All codebooks' heads as one product. */
  #heads(x: T): T {
    const { ops, weight } = this.#net;
    const { B, T } = this.#sizes;
    const { numCodebooks, vocabSize } = this.#config;
    const weights = this.#net.heads ?? ops.concat(Array.from({ length: numCodebooks }, (_, k) => weight(names.head(k))), 0);
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

/** One behind the other along the positions. */
export const joined = <T>(ops: Ops<T>, before: KeysValues<T>, after: KeysValues<T>): KeysValues<T> => ({
  keys: ops.concat([before.keys, after.keys], 2, 'N'),
  values: ops.concat([before.values, after.values], 2, 'N'),
});

import type { Dim, Ops, Program } from '../../engine/engine.ts';
import { activate } from '../activation.ts';
import { MASKED } from '../decoder.ts';
import { byName, float, floats, type Inputs, int, type Size } from '../program-inputs.ts';
import type { T5Config } from './config.ts';
import { t5Names, t5Specs } from './weights.ts';

/**
 * T5's encoder: `states` [B, S, hiddenSize] of `ids` [B, S] with their `mask` [B, S], 1 at a token and 0 at padding, and
 * the `buckets` [S, S] of `relativeBuckets`. What padding says reaches no token.
 */
export function t5Program(config: T5Config): Program {
  return {
    name: 't5',
    inputs: { ...floats(t5Specs(config)), ids: int('B', 'S'), mask: float('B', 'S'), buckets: int('S', 'S') },
    build: <T>(ops: Ops<T>, inputs: Inputs<T>, size: Size) => ({ states: new T5Encoder(ops, byName(inputs), { config, B: size('B'), S: size('S') }).run() }),
  };
}

type Sized = { readonly config: T5Config; readonly B: Dim; readonly S: Dim };

/** Pre-norm layers of self-attention and feed-forward; neither norms nor linear layers have biases, and scores are not scaled. */
class T5Encoder<T> {
  readonly #ops: Ops<T>;
  readonly #input: (name: string) => T;
  readonly #sized: Sized;

  constructor(ops: Ops<T>, input: (name: string) => T, sized: Sized) {
    this.#ops = ops;
    this.#input = input;
    this.#sized = sized;
  }

  run(): T {
    const bias = this.#bias();
    let x = this.#ops.gather(this.#input(t5Names.table), this.#input('ids')); // [B, S] -> [B, S, hiddenSize]
    for (let l = 0; l < this.#sized.config.numLayers; l++) {
      x = this.#ops.add(x, this.#attend(this.#norm(x, `${t5Names.attention(l)}.layer_norm.weight`), `${t5Names.attention(l)}.SelfAttention`, bias));
      x = this.#ops.add(x, this.#feedForward(this.#norm(x, `${t5Names.feedForward(l)}.layer_norm.weight`), `${t5Names.feedForward(l)}.DenseReluDense`));
    }
    return this.#norm(x, t5Names.finalNorm);
  }

  /** What every layer adds to its scores, by distance, and what keeps them off the padding: [B, H, S, S]. */
  #bias(): T {
    const ops = this.#ops;
    const { config, B, S } = this.#sized;
    const byDistance = ops.transpose(ops.gather(this.#input(t5Names.bias), this.#input('buckets')), [2, 0, 1]); // [S, S, H] -> [H, S, S]
    const masked = ops.reshape(ops.mul(ops.sub(1, this.#input('mask')), MASKED), [B, 1, 1, S]);
    return ops.add(ops.reshape(byDistance, [1, config.numHeads, S, S]), masked);
  }

  /** softmax(q kᵀ + bias) v, heads apart, projected. */
  #attend(x: T, module: string, bias: T): T {
    const ops = this.#ops;
    const { config: { numHeads, headSize }, B, S } = this.#sized;
    const heads = (name: string): T => ops.transpose(ops.reshape(this.#linear(x, `${module}.${name}`), [B, S, numHeads, headSize]), [0, 2, 1, 3]); // -> [B, H, S, headSize]
    const scores = ops.matmul(heads('q'), heads('k'), { transposeB: true });
    const mixed = ops.matmul(ops.softmax(ops.add(scores, bias)), heads('v'));
    return this.#linear(ops.reshape(ops.transpose(mixed, [0, 2, 1, 3]), [B, S, numHeads * headSize]), `${module}.o`);
  }

  #feedForward(x: T, module: string): T {
    const { activation, isGated } = this.#sized.config;
    const wide = activate(this.#ops, this.#linear(x, `${module}.${isGated ? 'wi_0' : 'wi'}`), activation);
    return this.#linear(isGated ? this.#ops.mul(wide, this.#linear(x, `${module}.wi_1`)) : wide, `${module}.wo`);
  }

  /** x / √(mean(x²) + ε) · gain, over the last axis (Zhang and Sennrich 2019). */
  #norm(x: T, gain: string): T {
    const ops = this.#ops;
    const { hiddenSize, epsilon } = this.#sized.config;
    const meanSquare = ops.mul(ops.sum(ops.mul(x, x), [-1], true), 1 / hiddenSize);
    return ops.mul(ops.div(x, ops.sqrt(ops.add(meanSquare, epsilon))), this.#input(gain));
  }

  #linear(x: T, module: string): T {
    return this.#ops.matmul(x, this.#input(`${module}.weight`), { transposeB: true });
  }
}

import type { Dim, Ops, Program, TensorSpec } from '../../../engine/engine.ts';
import type { WeightSpec } from '../../../music/weights.ts';
import { type NanoConfig, patchSize } from './config.ts';
import { encodeAudio, encodeText, type Net } from './encoders.ts';
import { SUMMARY_SIZE } from './sound.ts';
import { audioSpecs, nanoSpecs, nothingId, textSpecs } from './weights.ts';

type Inputs<T> = Readonly<Record<string, T>>;

const float = (...shape: Dim[]): TensorSpec => ({ shape, dtype: 'float32' });
const weightInputs = (specs: readonly WeightSpec[]): Record<string, TensorSpec> => Object.fromEntries(specs.map(({ name, shape }) => [name, float(...shape)]));
const soundInputs = (config: NanoConfig): Record<string, TensorSpec> => ({ patches: float('B', 'W', config.window.patches, patchSize(config)), share: float('W', 1), summary: float('B', SUMMARY_SIZE) });

function netOf<T>(ops: Ops<T>, inputs: Inputs<T>): { net: Net<T>; input: (name: string) => T } {
  const input = (name: string): T => {
    const value = inputs[name];
    if (value === undefined) throw new RangeError(`Expected an input ${name}, got none`);
    return value;
  };
  return { net: { ops, weight: input }, input };
}

/** What clips sound like: `windows` [B, W, features] and `clips` [B, dimensions]. */
export function audioProgram(config: NanoConfig): Program {
  return {
    name: 'clap-audio',
    inputs: { ...weightInputs(audioSpecs(config)), ...soundInputs(config) },
    build: <T>(ops: Ops<T>, inputs: Inputs<T>) => {
      const { net, input } = netOf(ops, inputs);
      return encodeAudio(net, config, { patches: input('patches'), share: input('share'), summary: input('summary') });
    },
  };
}

/** What captions mean: `captions` [S, dimensions]. */
export function textProgram(config: NanoConfig): Program {
  return {
    name: 'clap-text',
    inputs: { ...weightInputs(textSpecs(config)), bags: float('S', nothingId(config) + 1) },
    build: <T>(ops: Ops<T>, inputs: Inputs<T>) => {
      const { net, input } = netOf(ops, inputs);
      return { captions: encodeText(net, input('bags')) };
    },
  };
}

/**
 * InfoNCE both ways (Radford et al. 2021) with soft targets: `loss` in nats, and its gradient by every weight.
 *
 *     −Σ wanted.clips ∘ log softmax(logits) − Σ wanted.captions ∘ log softmax(logitsᵀ),  logits = captions · clipsᵀ / temperature
 */
export function contrastiveProgram(config: NanoConfig, temperature: number): Program {
  const specs = nanoSpecs(config);
  return {
    name: 'clap-train',
    inputs: {
      ...weightInputs(specs),
      ...soundInputs(config),
      bags: float('S', nothingId(config) + 1),
      'wanted.clips': float('S', 'B'),
      'wanted.captions': float('B', 'S'),
    },
    build: <T>(ops: Ops<T>, inputs: Inputs<T>) => {
      const { net, input } = netOf(ops, inputs);
      const { clips } = encodeAudio(net, config, { patches: input('patches'), share: input('share'), summary: input('summary') });
      const logits = ops.mul(ops.matmul(encodeText(net, input('bags')), clips, { transposeB: true }), 1 / temperature); // [S, B]
      const agreed = (scores: T, wanted: T): T => ops.sum(ops.mul(ops.logSoftmax(scores), wanted), [0, 1]);
      return { loss: ops.neg(ops.add(agreed(logits, input('wanted.clips')), agreed(ops.transpose(logits, [1, 0]), input('wanted.captions')))) };
    },
    gradients: { of: 'loss', wrt: specs.map(({ name }) => name) },
  };
}

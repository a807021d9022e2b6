import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../genki/engine/engine.ts';
import { InvalidInput } from '../../../genki/errors.ts';
import { adapterSpecs } from '../../../genki/music/adapted-net.ts';
import type { Parameter } from '../../../genki/music/adamw.ts';
import type { Backprop } from '../../../genki/music/backprop.ts';
import { type Batch, batchOfClips, batchOfLabels } from '../../../genki/music/batch.ts';
import type { LanguageConfig } from '../../../genki/music/config.ts';
import { Layerwise } from '../../../genki/music/layerwise.ts';
import { partOf } from '../../../genki/music/layerwise-programs.ts';
import type { LoraConfig } from '../../../genki/music/lora.ts';
import { Trainer } from '../../../genki/music/trainer.ts';
import { initialWeights, pickWeights, size, weightSpecs } from '../../../genki/music/weights.ts';
import { WholeGraph } from '../../../genki/music/whole-graph.ts';
import { Random } from '../../../genki/protocol/random.ts';
import { decodeSafetensors, type TensorMap } from '../../../genki/protocol/safetensors.ts';
import { createEngine, machineEngines } from './support/engines.ts';
import { expectClose, golden, goldenBytes, goldens, TINY, tinyText } from './support/goldens.ts';
import { TOY, TOY_HYPER, TOY_LORA, toyClips } from './support/toys.ts';

/** Relative to a tensor's largest value: the same operations, some of them in another order. */
const TOLERANCE = 2e-5;

const layer = (l: number): string => `decoder.model.decoder.layers.${l}`;
const QV: LoraConfig = { rank: 3, alpha: 6, targets: ['q_proj', 'v_proj'], rslora: false };
const ALL: LoraConfig = { rank: 4, alpha: 8, targets: ['q_proj', 'k_proj', 'v_proj', 'out_proj', 'fc1', 'fc2'], rslora: true };
/** Another rank and alpha in one layer, none at all in the last, and adapters before and behind the layers. */
const UNEVEN: LoraConfig = {
  ...ALL,
  modules: {
    [`${layer(0)}.self_attn.q_proj`]: { rank: 2, alpha: 2 },
    [`${layer(0)}.encoder_attn.k_proj`]: { rank: 5, alpha: 1 },
    [`${layer(1)}.fc2`]: { rank: 1, alpha: 4 },
    enc_to_dec_proj: { rank: 2, alpha: 3 },
    'decoder.model.decoder.embed_tokens.1': { rank: 2, alpha: 2 },
    'decoder.lm_heads.3': { rank: 3, alpha: 5 },
  },
};
const DEEP: LanguageConfig = { ...TOY, decoder: { ...TOY.decoder, numLayers: 12 } };
/** Three layers, of which the last two are alike. */
const TANH: LanguageConfig = { ...TOY, decoder: { ...TOY.decoder, numLayers: 3, hiddenSize: 8, ffnDim: 8, activation: 'gelu_new' } };
const ALIKE: LoraConfig = { ...QV, modules: Object.fromEntries([0, 1, 2].map((l) => [`${layer(l)}.fc1`, { rank: l === 0 ? 2 : 3, alpha: 4 }])) };

/** An adapter with every tensor away from 0, so that every gradient is. */
function parametersOf(config: LanguageConfig, lora: LoraConfig): Parameter[] {
  const random = new Random('layerwise');
  return adapterSpecs(config, lora).map(({ name, shape }) => {
    const value = Float32Array.from({ length: size(shape) }, () => 0.3 * random.normal());
    return { name, shape, value, moment1: new Float32Array(value.length), moment2: new Float32Array(value.length) };
  });
}

const words = (config: LanguageConfig): { weights: TensorMap; batch: Batch } => ({ weights: initialWeights(config, new Random('layerwise')), batch: batchOfClips(config, [...toyClips(2, 'layerwise'), ...toyClips(1, 'short', 7)]) });
const states = { weights: pickWeights(TINY, decodeSafetensors(goldenBytes('tiny-musicgen/model.safetensors')).tensors), batch: batchOfLabels(TINY.decoder, golden(goldens('loss.safetensors'), 'labels').data as Int32Array, tinyText()) };

type Case = readonly [string, LanguageConfig, LoraConfig, { readonly weights: TensorMap; readonly batch: Batch }];
const CASES: readonly Case[] = [
  ['the toy, uneven', TOY, UNEVEN, words(TOY)],
  ['the toy, attention', TOY, QV, words(TOY)],
  ['the toy, all layers', TOY, TOY_LORA, words(TOY)],
  ['three layers, two of them alike', TANH, ALIKE, words(TANH)],
  ['the tiny MusicGen, attention', TINY, QV, states],
  ['the tiny MusicGen, all layers', TINY, ALL, states],
  ['the tiny MusicGen, uneven', TINY, UNEVEN, states],
];

describe.each(await machineEngines())('Layerwise on %s', (name, open) => {
  const cases = name === 'onnx' ? CASES : CASES.slice(0, 1);
  let engine: Engine;
  beforeAll(async () => {
    engine = await open();
  });
  afterAll(() => engine.dispose());

  async function slope(backprop: Backprop, batch: Batch, parameters: Parameter[]): Promise<{ loss: number; gradients: Float32Array[] }> {
    const { loss, gradients, release } = await backprop.run(batch, parameters);
    const kept = gradients.map((values) => values.slice());
    release();
    await backprop.dispose();
    return { loss, gradients: kept };
  }

  it.each(cases)('finds the loss and the gradients of the whole graph: %s', async (_name, config, lora, { weights, batch }) => {
    const parameters = parametersOf(config, lora);
    const whole = await slope(await WholeGraph.create(engine, config, { lora, frozen: weights }), batch, parameters);
    const layered = await slope(await Layerwise.create(engine, config, { lora, frozen: weights }), batch, parameters);
    expectClose([layered.loss], [whole.loss], 1e-6, 'loss');
    parameters.forEach(({ name }, i) => expectClose(layered.gradients[i]!, whole.gradients[i]!, TOLERANCE, name));
  });
});

describe('a trainer that goes a layer at a time', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine();
  });
  afterAll(() => engine.dispose());

  it('comes to where the whole graph does, and goes on from a checkpoint bit by bit', async () => {
    const weights = initialWeights(TOY, new Random('trainer'));
    const start = (checkpointing: boolean) => Trainer.create(engine, TOY, weights, { kind: 'lora', lora: TOY_LORA }, { ...TOY_HYPER, checkpointing, accumulation: 2 }, 'seed');
    const [whole, layered, resumed] = [await start(false), await start(true), await start(true)];
    for (let step = 0; step < 4; step++) {
      const clips = toyClips(TOY_HYPER.batch, `step ${step}`);
      expectClose([await layered.step(clips)], [await whole.step(clips)], 1e-5, 'loss');
      if (step === 1) resumed.restore(layered.checkpoint());
    }
    for (let step = 2; step < 4; step++) await resumed.step(toyClips(TOY_HYPER.batch, `step ${step}`));
    expect(Buffer.compare(resumed.checkpoint(), layered.checkpoint())).toBe(0);
    for (const [module, { b }] of whole.adapter().layers) expectClose(layered.adapter().layers.get(module)!.b, b, 1e-2, `${module} B`);
    for (const trainer of [whole, layered, resumed]) await trainer.dispose();
  });

  it('is for adapters only', async () => {
    const weights = initialWeights(TOY, new Random('trainer'));
    await expect(Trainer.create(engine, TOY, weights, { kind: 'full' }, { ...TOY_HYPER, checkpointing: true }, 'seed')).rejects.toThrow(InvalidInput);
  });
});

describe('partOf', () => {
  it('puts every weight into one part', () => {
    const count = (part: ReturnType<typeof partOf>): number => weightSpecs(DEEP).filter(({ name }) => partOf(name) === part).length;
    const layers = Array.from({ length: 12 }, (_, l) => count(l));
    expect(layers).toEqual(Array.from({ length: 12 }, () => 16));
    expect([count('embed'), count('head')]).toEqual([7, 6]);
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../genki/engine/engine.ts';
import { mergedWeights } from '../../../genki/music/adapted-net.ts';
import { type Batch, batchOfLabels } from '../../../genki/music/batch.ts';
import { disposeAll, type Feeds, idFeeds, labelFeeds, sequenceFeeds, textFeeds, weightFeeds } from '../../../genki/music/feeds.ts';
import { Generator } from '../../../genki/music/generator.ts';
import { type Adapter, decodeAdapter, loraNames, type LoraConfig } from '../../../genki/music/lora.ts';
import { forwardProgram, scoreProgram, trainProgram } from '../../../genki/music/programs.ts';
import { ResidentWeights } from '../../../genki/music/resident-weights.ts';
import type { Hyper } from '../../../genki/music/schedule.ts';
import { Trainer } from '../../../genki/music/trainer.ts';
import { pickWeights, weightSpecs } from '../../../genki/music/weights.ts';
import { decodeSafetensors, encodeSafetensors, type TensorMap } from '../../../genki/protocol/safetensors.ts';
import { machineEngines } from './support/engines.ts';
import { expectClose, golden, type Golden, goldenBytes, goldenJson, goldens, TINY, tinyText } from './support/goldens.ts';

/** Relative to a tensor's largest value; an AdamW step divides tiny gradients by themselves, so the last is wider. */
const ACTIVATIONS = 1e-5;
const GRADIENTS = 1e-4;
const TRAINED = 1e-3;

const ADAPTERS: readonly [string, LoraConfig][] = [
  ['qv', { rank: 4, alpha: 8, targets: ['q_proj', 'v_proj'], rslora: false }],
  ['all', { rank: 4, alpha: 8, targets: ['q_proj', 'k_proj', 'v_proj', 'out_proj', 'fc1', 'fc2'], rslora: true }],
];

const weights: TensorMap = pickWeights(TINY, decodeSafetensors(goldenBytes('tiny-musicgen/model.safetensors')).tensors);
const loss = goldens('loss.safetensors');
const labelled: Batch = batchOfLabels(TINY.decoder, golden(loss, 'labels').data as Int32Array, tinyText());

/** Hugging Face lists logits as [rows · codebooks, positions, codes]; the programs as [rows, positions, codebooks, codes]. */
function byCodebook(logits: ArrayLike<number>, positions: number): number[] {
  const at = (row: number, k: number, p: number, v: number): number => logits[((row * positions + p) * 4 + k) * 64 + v]!;
  return Array.from({ length: logits.length }, (_, i) => at(Math.floor(i / (4 * positions * 64)), Math.floor(i / (positions * 64)) % 4, Math.floor(i / 64) % positions, i % 64));
}

/** The adapter under one of the golden's headings. */
function adapterAt(lora: ReadonlyMap<string, Golden>, heading: string, config: LoraConfig): Adapter {
  const tensors = [...lora].filter(([name]) => name.startsWith(heading)).map(([name, { shape, data }]) => [name.slice(heading.length), { shape, dtype: 'F32' as const, data }] as const);
  return decodeAdapter(encodeSafetensors(new Map(tensors)), { music: TINY, lora: config });
}

describe.each(await machineEngines())('MusicGen on %s', (_, createEngine) => {
  let engine: Engine;
  let resident: ResidentWeights;
  beforeAll(async () => {
    engine = await createEngine();
    resident = new ResidentWeights(engine, weightSpecs(TINY));
    resident.load(weights);
  });
  afterAll(async () => {
    resident.dispose();
    await engine.dispose();
  });

  /** Every output of one run of a program on a batch. */
  async function outputsOf(program: Parameters<Engine['compile']>[0], batch: Batch, more: Feeds = {}): Promise<Record<string, Float32Array>> {
    const executable = await engine.compile(program);
    const own: Feeds = { ...sequenceFeeds(engine, TINY.decoder, batch.positions), ...idFeeds(engine, batch), ...textFeeds(engine, batch.text), ...more };
    const outputs = await executable.run({ ...resident.feeds(), ...own });
    const values = await Promise.all(Object.entries(outputs).map(async ([name, tensor]) => [name, Float32Array.from(await tensor.read())] as const));
    disposeAll(outputs);
    disposeAll(own);
    await executable.dispose();
    return Object.fromEntries(values);
  }

  it("gives Hugging Face's hidden states and logits", async () => {
    const forward = goldens('forward.safetensors');
    const { shape, data } = golden(forward, 'decoder_input_ids');
    const positions = shape[1]!;
    const ids = Array.from({ length: 4 }, (_k, k) => Int32Array.from({ length: 2 * positions }, (_i, i) => data[(Math.floor(i / positions) * 4 + k) * positions + (i % positions)]!));
    const outputs = await outputsOf(forwardProgram(TINY), { ...labelled, positions, ids });
    for (let l = 0; l <= 2; l++) expectClose(outputs[`hidden.${l}`]!, golden(forward, `decoder_hidden_states.${l}`).data, ACTIVATIONS, `hidden states ${l}`);
    expectClose(byCodebook(outputs['logits']!, positions), golden(forward, 'logits').data, ACTIVATIONS, 'logits');
  });

  it("gives Hugging Face's loss, of all codes and of each codebook", async () => {
    const { loss: mean } = await outputsOf(trainProgram(TINY), labelled, { ...labelFeeds(engine, labelled), ...weightFeeds(engine, labelled) });
    expectClose(mean!, golden(loss, 'loss').data, ACTIVATIONS, 'loss');
    const { nll } = await outputsOf(scoreProgram(TINY), labelled, labelFeeds(engine, labelled));
    const perCodebook = [0, 0, 0, 0];
    labelled.weights.forEach((weight, i) => (perCodebook[i % 4]! += 4 * weight * nll![i]!));
    expectClose(perCodebook, golden(loss, 'ce_per_codebook').data, ACTIVATIONS, 'cross-entropies');
  });

  it.each(ADAPTERS)("gives PEFT's gradients of an adapter: %s", async (name, config) => {
    const lora = goldens(`lora-${name}.safetensors`);
    const start = adapterAt(lora, 'init/', config);
    const own: Feeds = { ...labelFeeds(engine, labelled), ...weightFeeds(engine, labelled) };
    for (const [module, layer] of start.layers) {
      own[loraNames(module).a] = engine.tensor(layer.a, [layer.rank, layer.in]);
      own[loraNames(module).b] = engine.tensor(layer.b, [layer.out, layer.rank]);
    }
    const outputs = await outputsOf(trainProgram(TINY, config), labelled, own);
    const gradients = [...lora].filter(([key]) => key.startsWith('grad/'));
    expect(gradients.length).toBe(2 * start.layers.size);
    for (const [key, { data }] of gradients) expectClose(outputs[key.replace('base_model.model.', '')]!, data, GRADIENTS, key);
  });

  it.each(ADAPTERS)("trains an adapter as PyTorch's AdamW with clipped gradients does: %s", async (name, config) => {
    const lora = goldens(`lora-${name}.safetensors`);
    const { losses, adamw, max_norm } = goldenJson(`lora-${name}.json`) as { losses: number[]; max_norm: number; adamw: { lr: number; betas: [number, number]; weight_decay: number } };
    const hyper: Hyper = { learningRate: adamw.lr, steps: 3, warmup: 0, schedule: 'constant', betas: adamw.betas, weightDecay: adamw.weight_decay, maxGradNorm: max_norm, guidanceDropout: 0, batch: 2 };
    const trainer = await Trainer.create(engine, TINY, weights, { kind: 'lora', lora: config, adapter: adapterAt(lora, 'init/', config) }, hyper, 'goldens');
    for (const [t, expected] of losses.entries()) {
      expectClose([await trainer.stepOn(labelled)], [expected], ACTIVATIONS, `loss ${t}`);
      if (t !== 0 && t !== 2) continue;
      const now = trainer.adapter();
      for (const [module, { a, b }] of adapterAt(lora, `step${t + 1}/`, config).layers) {
        expectClose(now.layers.get(module)!.a, a, TRAINED, `${module} A`);
        expectClose(now.layers.get(module)!.b, b, TRAINED, `${module} B`);
      }
    }
    const after = new ResidentWeights(engine, weightSpecs(TINY));
    after.load(mergedWeights(weights, trainer.adapter()));
    const { logits } = await outputsOf(forwardProgram(TINY), labelled, after.feeds());
    expectClose(byCodebook(logits!, labelled.positions), golden(lora, 'logits_after').data, TRAINED, 'logits of the merged weights');
    after.dispose();
    await trainer.dispose();
  });

  it.each([1, 3])("composes Hugging Face's greedy codes at guidance %i", async (guidance) => {
    const generator = await Generator.create(engine, TINY, weights);
    const clips = await generator.generateFrom(tinyText(), { frames: 20, seed: 'greedy', guidance, temperature: 0, topK: 0 });
    const expected = golden(goldens('generate.safetensors'), `greedy.g${guidance}.codes`).data;
    expect(clips.map((codes) => [...codes])).toEqual([[...expected.slice(0, 80)], [...expected.slice(80)]]);
    await generator.dispose();
  });
});

import { afterAll, beforeAll, describe, it } from 'vitest';
import type { Engine } from '../../../genki/engine/engine.ts';
import { batchOfLabels } from '../../../genki/music/batch.ts';
import type { LanguageConfig } from '../../../genki/music/config.ts';
import { type Adapter, decodeAdapter, type LoraConfig } from '../../../genki/music/lora.ts';
import { type Hyper, learningRateAt } from '../../../genki/music/schedule.ts';
import { Trainer } from '../../../genki/music/trainer.ts';
import { encodeSafetensors } from '../../../genki/protocol/safetensors.ts';
import { createEngine } from './support/engines.ts';
import { expectClose, golden, goldenJson, goldens } from './support/goldens.ts';

/** The model of `make_training_goldens.py`. */
const MUSIC: LanguageConfig = {
  decoder: { vocabSize: 16, hiddenSize: 24, numLayers: 3, numHeads: 3, ffnDim: 40, numCodebooks: 3, maxPositions: 32, activation: 'gelu_new' },
  text: { kind: 'states', hiddenSize: 12 },
};
const LORA: LoraConfig = { rank: 2, alpha: 3, targets: ['q_proj', 'k_proj', 'v_proj', 'out_proj', 'fc1', 'fc2'], rslora: true };

const training = goldens('training.safetensors');
const expected = goldenJson('training.json') as { losses: number[]; grad_norms_before_clip: number[]; learning_rates: number[]; warmup_3_of_10: number[]; max_norm: number; adamw: { lr: number; betas: [number, number]; weight_decay: number } };
const HYPER: Hyper = { learningRate: expected.adamw.lr, steps: 4, warmup: 0, betas: expected.adamw.betas, weightDecay: expected.adamw.weight_decay, maxGradNorm: expected.max_norm, guidanceDropout: 0, batch: 5 };

/** The tensors under one of the golden's headings. */
const under = (heading: string) => new Map([...training].flatMap(([name, { shape, data }]) => (name.startsWith(heading) ? [[name.slice(heading.length), { shape, dtype: 'F32' as const, data: data as Float32Array }]] : [])));
const adapterAt = (heading: string): Adapter => decodeAdapter(encodeSafetensors(under(heading)), { music: MUSIC, lora: LORA });

function batchAt(step: number) {
  const { shape: [rows, length], data: states } = golden(training, `step${step}/states`);
  const mask = Float32Array.from(golden(training, `step${step}/mask`).data);
  return batchOfLabels(MUSIC.decoder, golden(training, `step${step}/labels`).data as Int32Array, { rows: rows!, length: length!, mask, content: { kind: 'states', states: states as Float32Array } });
}

describe('a training run of PyTorch, transformers and PEFT', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine();
  });
  afterAll(() => engine.dispose());

  it.each<[string, Partial<Hyper>]>([
    ['at once', {}],
    ['in two parts', { accumulation: 2 }],
    ['a clip at a time', { accumulation: 5 }],
    ['a layer at a time', { checkpointing: true }],
    ['a layer and two clips at a time', { checkpointing: true, accumulation: 3 }],
  ])('is come to %s: losses, norms, learning rates and the adapter', async (_, how) => {
    const trainer = await Trainer.create(engine, MUSIC, under('weights/'), { kind: 'lora', lora: LORA, adapter: adapterAt('init/') }, { ...HYPER, ...how }, 'goldens');
    for (let step = 1; step <= 4; step++) await trainer.stepOn(batchAt(step));
    expectClose(trainer.curve.map(({ loss }) => loss), expected.losses, 1e-5, 'losses');
    expectClose(trainer.curve.map(({ gradNorm }) => gradNorm), expected.grad_norms_before_clip, 1e-4, 'norms');
    expectClose(trainer.curve.map(({ learningRate }) => learningRate), expected.learning_rates, 1e-12, 'learning rates');
    const now = trainer.adapter();
    // AdamW divides tiny gradients by themselves, so the last bits of a gradient can weigh much
    for (const [module, { a, b }] of adapterAt('final/').layers) {
      expectClose(now.layers.get(module)!.a, a, 1e-3, `${module} A`);
      expectClose(now.layers.get(module)!.b, b, 1e-3, `${module} B`);
    }
    await trainer.dispose();
  });
});

describe('learningRateAt', () => {
  it("is a step ahead of transformers' in the warm-up, which begins with a step of nothing, and then the same", () => {
    const rates = Array.from({ length: 11 }, (_, i) => learningRateAt({ ...HYPER, learningRate: 1, warmup: 3, steps: 10 }, i + 1));
    expectClose(rates.slice(0, 3), expected.warmup_3_of_10.slice(1, 4), 1e-12, 'rates of the warm-up');
    expectClose(rates.slice(3), expected.warmup_3_of_10.slice(3), 1e-12, 'rates after it');
  });
});

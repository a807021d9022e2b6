import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../genki/engine/engine.ts';
import { Scorer } from '../../../genki/music/scorer.ts';
import { initialWeights } from '../../../genki/music/weights.ts';
import { Random } from '../../../genki/protocol/random.ts';
import { createEngine } from './support/engines.ts';
import { TOY, toyClips } from './support/toys.ts';

const weights = initialWeights(TOY, new Random('scorer'));
const clips = toyClips(11, 'scorer');

describe('Scorer', () => {
  let engine: Engine;
  let scorer: Scorer;
  beforeAll(async () => {
    engine = await createEngine();
    scorer = await Scorer.create(engine, TOY);
  });
  afterAll(async () => {
    await scorer.dispose();
    await engine.dispose();
  });

  it('names the weights that it was never given', async () => {
    const part = new Map(weights);
    part.delete('enc_to_dec_proj.bias');
    scorer.load(part);
    await expect(scorer.losses(clips)).rejects.toThrow('Expected weights for enc_to_dec_proj.bias, got none');
  });

  it('gives a clip the same loss whatever clips it comes with', async () => {
    scorer.load(weights);
    const all = await scorer.losses(clips);
    expect(all.length).toBe(clips.length);
    for (const [i, clip] of clips.entries()) expect([...(await scorer.losses([clip]))]).toEqual([all[i]]);
    expect([...(await scorer.losses(clips.toReversed()))]).toEqual([...all].reverse());
  });

  it('gives a short clip the same loss beside a longer one', async () => {
    scorer.load(weights);
    const [short] = toyClips(1, 'short', 5);
    const [alone] = await scorer.losses([short!]);
    const [beside] = await scorer.losses([short!, clips[0]!]);
    expect(beside).toBeCloseTo(alone!, 5);
  });

  it('gives log(vocabSize) where every code is as likely', async () => {
    const flat = [0, 1, 2, 3].map((k) => `decoder.lm_heads.${k}.weight`);
    scorer.load(weights);
    scorer.load(new Map(flat.map((name) => [name, { ...weights.get(name)!, data: new Float32Array(weights.get(name)!.data.length) }])));
    for (const loss of await scorer.losses(clips)) expect(loss).toBeCloseTo(Math.log(TOY.decoder.vocabSize), 5);
  });

  it('takes back only the weights that are named', async () => {
    scorer.load(weights);
    const before = await scorer.losses(clips);
    const name = 'decoder.model.decoder.layers.1.fc2.weight';
    const tensor = weights.get(name)!;
    scorer.load(new Map([[name, { ...tensor, data: (tensor.data as Float32Array).map((value) => 3 * value) }]]));
    expect(await scorer.losses(clips)).not.toEqual(before);
    scorer.load(new Map([[name, tensor]]));
    expect(await scorer.losses(clips)).toEqual(before);
  });

  it.each([
    ['an unknown name', 'decoder.lm_heads.4.weight', { shape: [16, 32], dtype: 'F32' as const, data: new Float32Array(512) }],
    ['another shape', 'decoder.lm_heads.3.weight', { shape: [32, 16], dtype: 'F32' as const, data: new Float32Array(512) }],
    ['integers', 'decoder.lm_heads.3.weight', { shape: [16, 32], dtype: 'I32' as const, data: new Int32Array(512) }],
  ])('refuses a tensor with %s', (_name, name, tensor) => {
    expect(() => scorer.load(new Map([[name, tensor]]))).toThrow(name);
  });

  it('scores nothing as nothing', async () => {
    expect((await scorer.losses([])).length).toBe(0);
  });
});

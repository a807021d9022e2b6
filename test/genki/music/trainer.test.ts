import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../genki/engine/engine.ts';
import { InvalidInput } from '../../../genki/errors.ts';
import { encodeAdapter } from '../../../genki/music/lora.ts';
import { Scorer } from '../../../genki/music/scorer.ts';
import { type Hyper, type Trainable, Trainer } from '../../../genki/music/trainer.ts';
import { initialWeights } from '../../../genki/music/weights.ts';
import { Random } from '../../../genki/protocol/random.ts';
import { encodeSafetensors } from '../../../genki/protocol/safetensors.ts';
import { createEngine } from './support/engines.ts';
import { TOY, TOY_HYPER, TOY_LORA, toyClips } from './support/toys.ts';

const weights = initialWeights(TOY, new Random('trainer'));
const clips = toyClips(TOY_HYPER.batch, 'trainer');
const LORA: Trainable = { kind: 'lora', lora: TOY_LORA };
const FULL: Trainable = { kind: 'full' };

const expectSameBytes = (actual: Uint8Array, expected: Uint8Array): void => expect(Buffer.compare(actual, expected)).toBe(0);

describe('Trainer', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine();
  });
  afterAll(() => engine.dispose());

  const start = (trainable: Trainable, hyper: Hyper = TOY_HYPER, seed = 'seed') => Trainer.create(engine, TOY, weights, trainable, hyper, seed);

  async function losses(trainer: Trainer, steps: number): Promise<number[]> {
    const out: number[] = [];
    for (let i = 0; i < steps; i++) out.push(await trainer.step(toyClips(TOY_HYPER.batch, `step ${trainer.stepsDone}`)));
    return out;
  }

  it.each([['an adapter', LORA], ['all weights', FULL]])('learns a batch by heart with %s', async (_name, trainable) => {
    const trainer = await start(trainable, { ...TOY_HYPER, guidanceDropout: 0 });
    const first = await trainer.step(clips);
    let last = first;
    while (trainer.stepsDone < 20) last = await trainer.step(clips);
    expect(last).toBeLessThan(0.85 * first);
    await trainer.dispose();
  });

  it.each([['an adapter', LORA], ['all weights', FULL]])('goes on from a checkpoint bit by bit as if it had never stopped: %s', async (_name, trainable) => {
    const whole = await start(trainable);
    const before = await losses(whole, 2);
    const checkpoint = whole.checkpoint();
    const after = await losses(whole, 3);

    const resumed = await start(trainable);
    resumed.restore(checkpoint);
    expect(resumed.stepsDone).toBe(before.length);
    expect(await losses(resumed, 3)).toEqual(after);
    expectSameBytes(resumed.checkpoint(), whole.checkpoint());
    expectSameBytes(encodeSafetensors(resumed.weights()), encodeSafetensors(whole.weights()));
    if (trainable.kind === 'lora') expectSameBytes(encodeAdapter(resumed.adapter()), encodeAdapter(whole.adapter()));
    await whole.dispose();
    await resumed.dispose();
  });

  it('refuses the checkpoint of another run, and stays as it was', async () => {
    const other = await start(LORA, TOY_HYPER, 'another seed');
    await other.step(clips);
    const trainer = await start(LORA);
    const before = trainer.checkpoint();
    expect(() => trainer.restore(other.checkpoint())).toThrow('Expected a checkpoint of run');
    expect(() => trainer.restore(encodeSafetensors(new Map(), { run: 'x' }))).toThrow(InvalidInput);
    expect(() => trainer.restore(before.subarray(0, 900))).toThrow('Expected');
    expectSameBytes(trainer.checkpoint(), before);
    await other.dispose();
    await trainer.dispose();
  });

  it('has a merged model that says what base and adapter say together', async () => {
    const hyper = { ...TOY_HYPER, guidanceDropout: 0 };
    const trainer = await start(LORA, hyper);
    while (trainer.stepsDone < 3) await trainer.step(clips);
    const scorer = await Scorer.create(engine, TOY);
    scorer.load(trainer.weights());
    const scored = await scorer.losses(clips);
    const adapted = await trainer.step(clips);
    expect(scored.reduce((sum, loss) => sum + loss) / clips.length).toBeCloseTo(adapted, 5);
    await scorer.dispose();
    await trainer.dispose();
  });

  it('takes up an adapter that was trained before', async () => {
    const first = await start(LORA);
    await first.step(clips);
    const second = await start({ ...LORA, adapter: first.adapter() });
    expectSameBytes(encodeAdapter(second.adapter()), encodeAdapter(first.adapter()));
    await first.dispose();
    await second.dispose();
  });

  it('begins with an adapter that changes nothing', async () => {
    const trainer = await start(LORA);
    expectSameBytes(encodeSafetensors(trainer.weights()), encodeSafetensors(weights));
    await trainer.dispose();
  });

  it('names what is wrong with weights, adapter or clips, and learns nothing from it', async () => {
    const missing = new Map(weights);
    missing.delete('decoder.lm_heads.2.weight');
    await expect(Trainer.create(engine, TOY, missing, LORA, TOY_HYPER, 's')).rejects.toThrow('decoder.lm_heads.2.weight');
    const trainer = await start(LORA);
    const { layers } = trainer.adapter();
    await expect(start({ ...LORA, adapter: { config: TOY_LORA, layers: new Map([...layers].slice(1)) } })).rejects.toThrow('self_attn.q_proj.lora_A.weight');
    await expect(trainer.step([{ ...clips[0]!, numCodebooks: 3 }])).rejects.toThrow('clip 0');
    expect(trainer.stepsDone).toBe(0);
    const full = await start(FULL);
    expect(() => full.adapter()).toThrow('Expected a trainer of an adapter');
    await full.dispose();
    await trainer.dispose();
  });

  it('stops before a loss that is not finite spoils the parameters', async () => {
    const broken = new Map(weights);
    const head = weights.get('decoder.lm_heads.0.weight')!;
    broken.set('decoder.lm_heads.0.weight', { ...head, data: new Float32Array(head.data.length).fill(NaN) });
    const trainer = await Trainer.create(engine, TOY, broken, LORA, TOY_HYPER, 's');
    const before = trainer.checkpoint();
    await expect(trainer.step(clips)).rejects.toThrow('Expected a finite loss');
    expectSameBytes(trainer.checkpoint(), before);
    await trainer.dispose();
  });
});

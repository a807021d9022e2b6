import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../genki/engine/engine.ts';
import { InvalidInput } from '../../../genki/errors.ts';
import type { Clip } from '../../../genki/music/clip.ts';
import { type Conditioner, wordConditioner } from '../../../genki/music/conditioner.ts';
import { fineTune, type FineTuned, type FineTuning, type Hooks } from '../../../genki/music/fine-tune.ts';
import { encodeAdapter } from '../../../genki/music/lora.ts';
import { encodeLossCurve } from '../../../genki/music/loss-curve.ts';
import { learningRateAt } from '../../../genki/music/schedule.ts';
import { Trainer } from '../../../genki/music/trainer.ts';
import { initialWeights } from '../../../genki/music/weights.ts';
import { Random } from '../../../genki/protocol/random.ts';
import { createEngine } from './support/engines.ts';
import { TOY, TOY_HYPER, TOY_LORA, toyClips } from './support/toys.ts';

const HYPER = { ...TOY_HYPER, steps: 4, accumulation: 2 };
const SHALLOW = { ...TOY, decoder: { ...TOY.decoder, numLayers: 1 } };
const LORA = { ...TOY_LORA, targets: ['q_proj', 'v_proj'] };
const weights = initialWeights(SHALLOW, new Random('fine-tune'));
const sample = (step: number): Clip[] => toyClips(HYPER.batch, `step ${step}`);
const toTheEnd: Hooks = { onStep: async () => true };

/** A model told states, and a conditioner that makes them of the letters of a caption, as many as it has. */
const STATES = { ...SHALLOW, text: { kind: 'states', hiddenSize: 3 } } as const;
const stateWeights = initialWeights(STATES, new Random('fine-tune'));
class Letters implements Conditioner {
  readonly calls: string[] = [];

  async tell(texts: readonly string[]) {
    this.calls.push(...texts);
    const length = Math.max(...texts.map((text) => text.length));
    const states = new Float32Array(texts.length * length * 3);
    const mask = new Float32Array(texts.length * length);
    texts.forEach((text, row) => text.split('').forEach((letter, at) => {
      mask[row * length + at] = 1;
      states.set([Math.sin(letter.codePointAt(0)!), Math.cos(at), 1], (row * length + at) * 3);
    }));
    return { rows: texts.length, length, mask, content: { kind: 'states' as const, states } };
  }

  async dispose(): Promise<void> {
    this.calls.push('disposed');
  }
}

describe('fineTune', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine();
  });
  afterAll(() => engine.dispose());

  const told = (more: Partial<FineTuning> = {}): FineTuning => ({ engine, music: SHALLOW, weights, conditioner: wordConditioner(SHALLOW.text), sample, lora: LORA, hyper: HYPER, seed: 'seed', ...more });
  const bytes = ({ adapter, checkpoint, curve }: FineTuned): Uint8Array => Buffer.concat([encodeAdapter(adapter), checkpoint(), encodeLossCurve(curve)]);

  it('gives what a trainer gives that is told the same, and how each step went', async () => {
    const heard: unknown[] = [];
    const tuned = (await fineTune(told(), { onStep: async (step) => heard.push(step) > 0 }))!;
    const trainer = await Trainer.create(engine, SHALLOW, weights, { kind: 'lora', lora: LORA }, HYPER, 'seed');
    const losses: number[] = [];
    for (let step = 0; step < HYPER.steps; step++) losses.push(await trainer.step(sample(step)));
    expect(Buffer.compare(encodeAdapter(tuned.adapter), encodeAdapter(trainer.adapter()))).toBe(0);
    expect(tuned.done).toBe(true);
    expect(heard).toEqual(losses.map((loss, i) => ({ step: i + 1, loss, learningRate: learningRateAt(HYPER, i + 1), gradNorm: expect.any(Number) as number })));
    expect(JSON.parse(new TextDecoder().decode(encodeLossCurve(tuned.curve)))).toEqual(heard);
    await trainer.dispose();
  });

  it('comes to the same bytes, stopped at any step and taken up again', async () => {
    const whole = bytes((await fineTune(told(), toTheEnd))!);
    for (let at = 1; at < HYPER.steps; at++) {
      const first = (await fineTune(told(), { onStep: async ({ step }) => step < at }))!;
      expect([first.done, first.curve.length]).toEqual([false, at]);
      const steps: number[] = [];
      const second = (await fineTune(told({ checkpoint: first.checkpoint() }), { onStep: async ({ step }) => steps.push(step) > 0 }))!;
      expect(steps[0]).toBe(at + 1);
      expect(Buffer.compare(bytes(second), whole), `stopped at ${at}`).toBe(0);
    }
  });

  it('has nothing left to do of a finished run', async () => {
    const tuned = (await fineTune(told(), toTheEnd))!;
    const again = (await fineTune(told({ checkpoint: tuned.checkpoint() }), { onStep: () => Promise.reject(new Error('a step')) }))!;
    expect(again.done).toBe(true);
    expect(Buffer.compare(bytes(again), bytes(tuned))).toBe(0);
  });

  it('tells every caption once, and lets go of the conditioner before the first step', async () => {
    const letters = new Letters();
    const captions = ['fast town', 'a', 'minor battle', 'a'];
    const withCaptions = (step: number): Clip[] => sample(step).map((clip, i) => ({ ...clip, caption: captions[(step + i) % 4]! }));
    const told3 = told({ music: STATES, weights: stateWeights, conditioner: letters, sample: withCaptions });
    const tuned = (await fineTune(told3, { onStep: async () => letters.calls.at(-1) === 'disposed' }))!;
    expect(letters.calls).toEqual(['fast town', 'a', 'minor battle', 'disposed']);
    expect(tuned.curve.length).toBe(HYPER.steps);
  });

  it('is told states as the conditioner tells a batch, padding or not', async () => {
    const tuned = (await fineTune(told({ music: STATES, weights: stateWeights, conditioner: new Letters(), hyper: { ...HYPER, steps: 1 } }), toTheEnd))!;
    const other = (await fineTune(told({ music: STATES, weights: stateWeights, conditioner: new Letters(), hyper: { ...HYPER, steps: 1 }, sample: (step) => sample(step).map((clip) => ({ ...clip, caption: `${clip.caption}!` })) }), toTheEnd))!;
    expect(other.curve[0]!.loss).not.toBe(tuned.curve[0]!.loss);
  });

  it('stops while it is still told', async () => {
    const letters = new Letters();
    expect(await fineTune(told({ music: STATES, weights: stateWeights, conditioner: letters }), { ...toTheEnd, onTold: async ({ captions, of }) => captions < of - 1 })).toBeUndefined();
    expect(letters.calls.length).toBe(3);
    expect(letters.calls.at(-1)).toBe('disposed');
  });

  it.each<[string, Partial<FineTuning>, string]>([
    ['no step', { hyper: { ...HYPER, steps: 0 } }, '1 step or more, got 0'],
    ['an accumulation of more parts than clips', { hyper: { ...HYPER, accumulation: 5 } }, 'an accumulation of 1 to 4, the clips of a step, got 5'],
    ['half a part', { hyper: { ...HYPER, accumulation: 1.5 } }, 'got 1.5'],
    ['a clip that is too long', { sample: () => toyClips(1, 'long', 62) }, 'at most 61 frames, got 62'],
    ['text of a conditioner for another model', { music: STATES, weights: stateWeights }, 'Expected text as states, which the model takes, got words'],
    ['text of another size', { music: { ...STATES, text: { kind: 'states', hiddenSize: 8 } }, weights: initialWeights({ ...STATES, text: { kind: 'states', hiddenSize: 8 } }, new Random('x')), conditioner: new Letters() }, 'text states of 8 values, which the model takes, got 3'],
    ['a learning rate that spoils it', { hyper: { ...HYPER, learningRate: 1e30, warmup: 0 } }, 'a lower learning rate may help'],
  ])('refuses %s', async (_name, wrong, message) => {
    const tuning = fineTune(told(wrong), toTheEnd);
    await expect(tuning).rejects.toThrow(message);
    await expect(tuning).rejects.toBeInstanceOf(InvalidInput);
  });
});

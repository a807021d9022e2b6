import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../../../genki/engine/engine.ts';
import { createTfjsEngine } from '../../../../../genki/engine/tfjs/tfjs-engine.ts';
import { patchSize } from '../../../../../genki/evaluation/clap/nano/config.ts';
import { audioProgram, contrastiveProgram, textProgram } from '../../../../../genki/evaluation/clap/nano/programs.ts';
import { SUMMARY_SIZE } from '../../../../../genki/evaluation/clap/nano/sound.ts';
import { NanoTrainer } from '../../../../../genki/evaluation/clap/nano/trainer.ts';
import { audioSpecs, initialNanoWeights, nanoSpecs, textSpecs } from '../../../../../genki/evaluation/clap/nano/weights.ts';
import type { WeightSpec } from '../../../../../genki/music/weights.ts';
import { Random } from '../../../../../genki/protocol/random.ts';
import { contentDigest } from '../../../../../genki/protocol/safetensors.ts';
import { createEngine } from '../../../music/support/engines.ts';
import { TOY_NANO, TOY_NANO_HYPER, toyBatch } from '../support/toy-nano.ts';

const weights = initialNanoWeights(TOY_NANO, new Random('toy'));
const batch = toyBatch('gradients');
type Values = ReadonlyMap<string, Float32Array>;
const start: Values = new Map([...weights].map(([name, { data }]) => [name, data as Float32Array]));
const TEMPERATURE = 0.5;
const rowsOf = (values: ArrayLike<number>): number[][] => Array.from({ length: values.length / TOY_NANO.dimensions }, (_, r) => Array.from(values).slice(r * TOY_NANO.dimensions, (r + 1) * TOY_NANO.dimensions));
const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, x, i) => sum + x * b[i]!, 0);

describe('the contrastive loss', () => {
  let engine: Engine;
  let losses: (values: Values) => Promise<{ loss: number; gradients: Values }>;
  let embedded: () => Promise<{ clips: number[][]; captions: number[][] }>;
  beforeAll(async () => {
    engine = await createEngine();
    const program = await engine.compile(contrastiveProgram(TOY_NANO, TEMPERATURE));
    const { clips, windows, captions } = batch;
    const feeds = {
      patches: engine.tensor(batch.patches, [clips, windows, 3, patchSize(TOY_NANO)]),
      share: engine.tensor(new Float32Array(windows).fill(1 / windows), [windows, 1]),
      summary: engine.tensor(batch.summaries, [clips, SUMMARY_SIZE]),
      bags: engine.tensor(batch.bags, [captions, 5]),
    };
    const own = (specs: readonly WeightSpec[], values: Values) => Object.fromEntries(specs.map(({ name, shape }) => [name, engine.tensor(values.get(name)!, shape)]));
    const { patches, share, summary, bags } = feeds;
    embedded = async () => {
      const heard = await (await engine.compile(audioProgram(TOY_NANO))).run({ ...own(audioSpecs(TOY_NANO), start), patches, share, summary });
      const said = await (await engine.compile(textProgram(TOY_NANO))).run({ ...own(textSpecs(TOY_NANO), start), bags });
      return { clips: rowsOf(await heard['clips']!.read()), captions: rowsOf(await said['captions']!.read()) };
    };
    losses = async (values) => {
      const outputs = await program.run({
        ...own(nanoSpecs(TOY_NANO), values),
        ...feeds,
        'wanted.clips': engine.tensor(batch.wantedClips, [captions, clips]),
        'wanted.captions': engine.tensor(batch.wantedCaptions, [clips, captions]),
      });
      const read = async (name: string): Promise<Float32Array> => Float32Array.from(await outputs[name]!.read());
      const gradients = await Promise.all([...values.keys()].map(async (name) => [name, await read(`grad/${name}`)] as const));
      return { loss: (await read('loss'))[0]!, gradients: new Map(gradients) };
    };
  });
  afterAll(() => engine.dispose());

  it('changes along each tensor as its gradient says', async () => {
    const { gradients } = await losses(start);
    const random = new Random('directions');
    for (const [name, gradient] of gradients) {
      const drawn = Float32Array.from(gradient, () => random.normal());
      for (const direction of [gradient, drawn]) {
        const norm = Math.sqrt(dot(direction, direction));
        const step = 0.004;
        const moved = (by: number): Values => new Map([...start, [name, start.get(name)!.map((value, i) => value + (by * direction[i]!) / norm)]]);
        const slope = ((await losses(moved(step))).loss - (await losses(moved(-step))).loss) / (2 * step);
        const expected = dot(gradient, direction) / norm;
        // losses are float32, a few 1e-7 off; the rest is the third derivative
        expect(Math.abs(slope - expected), name).toBeLessThan(3e-4 + 0.01 * Math.abs(expected));
      }
    }
  });

  it('is the cross entropy of cosines over the temperature, both ways', async () => {
    const { clips, captions } = await embedded();
    const crossEntropy = (rows: readonly number[][], others: readonly number[][], wanted: Float32Array): number => {
      const terms = rows.flatMap((row, r) => {
        const logits = others.map((other) => row.reduce((sum, x, i) => sum + x * other[i]!, 0) / TEMPERATURE);
        const all = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0));
        return logits.map((logit, o) => wanted[r * others.length + o]! * (all - logit));
      });
      return terms.reduce((sum, term) => sum + term, 0);
    };
    const expected = crossEntropy(captions, clips, batch.wantedClips) + crossEntropy(clips, captions, batch.wantedCaptions);
    expect((await losses(start)).loss).toBeCloseTo(expected, 5);
  });

  it('is what the formula gives when nothing can be told apart', async () => {
    const flat = new Map([...start].map(([name, values]) => [name, name.startsWith('text.head') || name.startsWith('audio.head') ? values.map(() => 0.1) : values.map(() => 0)]));
    // all logits equal: a half of ln 6 clips and a half of ln 5 captions
    expect((await losses(flat)).loss).toBeCloseTo(0.5 * Math.log(6) + 0.5 * Math.log(5), 5);
  });
});

describe('NanoTrainer', () => {
  let engine: Engine;
  beforeAll(async () => void (engine = await createEngine()));
  afterAll(() => engine.dispose());

  const trained = async (on: Engine, steps: number): Promise<{ losses: number[]; digest: string }> => {
    const trainer = await NanoTrainer.create(on, TOY_NANO, { weights, hyper: TOY_NANO_HYPER });
    const losses: number[] = [];
    for (let step = 1; step <= steps; step++) losses.push(await trainer.step(toyBatch(`${step}`)));
    const digest = contentDigest(trainer.weights());
    await trainer.dispose();
    return { losses, digest };
  };

  it('lowers the loss, and leaves the weights that it was given', async () => {
    const before = contentDigest(weights);
    const { losses } = await trained(engine, 40);
    expect(losses.at(-1)!).toBeLessThan(0.5 * losses[0]!);
    expect(contentDigest(weights)).toBe(before);
  });

  it('gives the same weights again', async () => {
    const first = await trained(engine, 5);
    expect(await trained(engine, 5)).toEqual(first);
    expect((await trained(engine, 6)).digest).not.toBe(first.digest);
  });

  it('learns alike on either engine', async () => {
    const other = await createTfjsEngine({ backend: 'cpu' });
    const [ours, theirs] = [await trained(engine, 3), await trained(other, 3)];
    await other.dispose();
    ours.losses.forEach((loss, i) => expect(theirs.losses[i]).toBeCloseTo(loss, 4));
  });

  it('refuses a loss that is not finite, and changes nothing', async () => {
    const trainer = await NanoTrainer.create(engine, TOY_NANO, { weights, hyper: TOY_NANO_HYPER });
    const broken = { ...batch, patches: batch.patches.map(() => NaN) };
    await expect(trainer.step(broken)).rejects.toThrow('Expected a finite loss and gradient, got NaN');
    expect(contentDigest(trainer.weights())).toBe(contentDigest(weights));
    await trainer.dispose();
  });
});

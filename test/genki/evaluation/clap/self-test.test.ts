import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../../genki/engine/engine.ts';
import type { Embedder, Heard } from '../../../../genki/evaluation/clap/embedder.ts';
import { NanoEmbedder } from '../../../../genki/evaluation/clap/nano/nano-embedder.ts';
import { MARGINS, selfTest } from '../../../../genki/evaluation/clap/self-test.ts';
import { Random } from '../../../../genki/protocol/random.ts';
import type { TensorMap } from '../../../../genki/protocol/safetensors.ts';
import { createEngine } from '../../music/support/engines.ts';
import { shippedNano, type Shipped } from './support/shipped-nano.ts';

describe('selfTest', () => {
  let engine: Engine;
  let shipped: Shipped;
  let remembered: Embedder;
  beforeAll(async () => {
    engine = await createEngine();
    shipped = await shippedNano();
    remembered = remembering(await opened((weights) => weights));
  });
  afterAll(() => engine.dispose());

  const opened = (change: (weights: TensorMap) => TensorMap): Promise<NanoEmbedder> => NanoEmbedder.create(engine, shipped.config, change(shipped.weights));
  const changed = (weights: TensorMap, names: RegExp, values: (data: Float32Array, name: string) => Float32Array): TensorMap =>
    new Map([...weights].map(([name, tensor]) => [name, names.test(name) ? { ...tensor, data: values(tensor.data as Float32Array, name) } : tensor]));

  it('passes the shipped embedder with half of each margin to spare', async () => {
    const found = await selfTest(remembered);
    const { mismatched, junk, captions } = MARGINS['clap-nano'];
    expect(found.matched - found.mismatched).toBeGreaterThan(1.5 * mismatched);
    expect(found.matched - Math.max(found.noise, found.silence)).toBeGreaterThan(1.5 * junk);
    expect(found.captions).toBeLessThan(captions / 1.5);
  });

  it('finds an encoder of sound whose weights are shuffled', async () => {
    const random = new Random('shuffled');
    const broken = await opened((weights) => changed(weights, /^audio\./, (data) => Float32Array.from(random.shuffle([...data]))));
    expect(await failure(selfTest(broken))).toMatch(/^EmbedderUnfit: Expected matched clips 0\.\d+ above /);
  });

  it('finds captions that all lie in one place', async () => {
    // a bias beside which no word matters
    const collapsed = await opened((weights) => changed(weights, /^text\.head\.fc2\.bias$/, (data) => data.map((_, i) => (i === 0 ? 1000 : 0))));
    expect(await failure(selfTest(collapsed, { ...MARGINS['laion-clap'], mismatched: -1, junk: -1 }))).toBe('EmbedderUnfit: Expected captions of different styles to lie apart, at 0.97 or below, got 1.000');
  });

  it.each<[string, (sound: Embedder) => Partial<Embedder>, string]>([
    ['another ear every time', (of) => withClips(of, turned), 'Expected the same sound to be heard alike twice'],
    ['other windows every time', (of) => ({ audio: async (clips, seed) => (await of.audio(clips, seed)).map((heard) => ({ ...heard, windows: clips.length === 1 ? [] : heard.windows })) }), 'the same windows twice'],
    ['no number at all', (of) => withClips(of, (clip) => clip.map(() => NaN)), 'of length NaN'],
    ['vectors of another length', (of) => withClips(of, (clip) => clip.map((x) => 1.995 * x)), 'got 64 of length 1.99'],
    ['fewer dimensions than it says', (of) => ({ text: async (captions) => (await of.text(captions)).map((text) => text.slice(1)) }), 'got 63 of length'],
  ])('finds an embedder with %s', async (_name, broken, message) => {
    const found = await failure(selfTest({ ...remembered, ...broken(remembered) }));
    expect(found).toMatch(/^EmbedderUnfit: /);
    expect(found).toContain(message);
  });
});

/** An embedder that asks another one only the first time. */
function remembering(sound: Embedder): Embedder {
  const answers = new Map<number, Promise<Heard[]>>();
  let texts: Promise<Float32Array[]> | undefined;
  const { name, sampleRate, dimensions } = sound;
  const audio: Embedder['audio'] = (clips, seed) => answers.get(clips.length) ?? answers.set(clips.length, sound.audio(clips, seed)).get(clips.length)!;
  return { name, sampleRate, dimensions, audio, text: (captions) => (texts ??= sound.text(captions)), dispose: () => sound.dispose() };
}

const failure = async (test: Promise<unknown>): Promise<string> => test.then(() => 'passed', String);

function withClips(of: Embedder, change: (clip: Float32Array, call: number) => Float32Array): Pick<Embedder, 'audio'> {
  let calls = 0;
  return {
    audio: async (clips, seed) => {
      calls++;
      return (await of.audio(clips, seed)).map((heard) => ({ ...heard, clip: change(heard.clip, calls) }));
    },
  };
}

/** In every second call a little off. */
function turned(clip: Float32Array, call: number): Float32Array {
  if (call % 2 === 1) return clip;
  const other = clip.map((x, i) => x + (i === 0 ? 0.01 : 0));
  const norm = Math.sqrt(other.reduce((sum, x) => sum + x * x, 0));
  return other.map((x) => x / norm);
}

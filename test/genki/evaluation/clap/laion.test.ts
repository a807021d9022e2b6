import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { env } from '@huggingface/transformers';
import type { Embedder } from '../../../../genki/evaluation/clap/embedder.ts';
import { openLaionClap } from '../../../../genki/evaluation/clap/laion.ts';
import { laionDigest, type LaionSpec } from '../../../../genki/evaluation/clap/laion-files.ts';
import { LaionNetwork } from '../../../../genki/evaluation/clap/laion-network.ts';
import { repeatPad, tileBegins } from '../../../../genki/evaluation/clap/tiles.ts';
import { EngineError, InvalidInput } from '../../../../genki/errors.ts';
import { expectClose, golden, goldens } from '../../music/support/goldens.ts';

const FOLDER = fileURLToPath(new URL('../../../goldens/clap', import.meta.url));
const WINDOW = 480_000;
/** dB, of features down to −100; measured 8e-6. */
const SAME_DB = 2e-5;
/** Of the largest number of an embedding, about 2; measured 3e-7, and another processor adds as much. */
const SAME = 4e-6;

const expected = goldens('clap/clap.safetensors');
const spec: LaionSpec = { kind: 'laion-clap', repository: 'genki/tiny-clap', revision: '0'.repeat(40), digest: await laionDigest(FOLDER) };
const envBefore = { ...env };

/** The waves and features that `make_clap_goldens.py` made by formula. */
const wave = (seconds: number): Float32Array =>
  Float32Array.from({ length: 48_000 * seconds }, (_, n) => {
    const t = n / 48_000;
    return 0.5 * Math.sin(2 * Math.PI * 440 * t) + 0.25 * Math.sin(2 * Math.PI * (200 * t + 1500 * t * t));
  });
const synthetic = (seed: number): Float32Array => Float32Array.from({ length: 1001 * 64 }, (_, i) => 10 * Math.sin(0.05 * Math.floor(i / 64) * (seed + 1) + 0.3 * (i % 64)) - 30);
const row = (name: string, i: number): ArrayLike<number> => {
  const { shape, data } = golden(expected, name);
  return data.slice(i * shape[1]!, (i + 1) * shape[1]!);
};

describe('the networks of a LAION-CLAP', () => {
  let network: LaionNetwork;
  beforeAll(async () => void (network = await LaionNetwork.open(FOLDER, 1)));
  afterAll(() => network.dispose());

  it.each([2, 3, 10])('hear %i s as Hugging Face does, element by element', async (seconds) => {
    const features = await network.features(repeatPad(wave(seconds), WINDOW));
    const frames = golden(expected, `wave${seconds}.features.every25`).data;
    let worst = 0;
    frames.forEach((dB, i) => (worst = Math.max(worst, Math.abs(dB - features[25 * 64 * Math.floor(i / 64) + (i % 64)]!))));
    expect(worst).toBeLessThan(SAME_DB);
    expect(features.length).toBe(1001 * 64);
    expectClose(await network.soundEmbedding(features), row(`wave${seconds}.audio_embeds`, 0), SAME);
  });

  it.each([0, 1])('embed the features %i as Hugging Face does', async (i) => {
    expectClose(await network.soundEmbedding(synthetic(i)), row('synth.audio_embeds', i), SAME);
  });

  it.each([0, 1])('embed the tokens %i as Hugging Face does padded', async (i) => {
    const mask = row('attention_mask', i);
    const tokens = Array.from(row('input_ids', i)).filter((_, n) => mask[n] === 1);
    expectClose(await network.textEmbedding(tokens), row('text_embeds', i), SAME);
  });

  it.each([
    'a calm town melody with soft drums',
    'fast battle music in a minor key',
    'a calm battle, with drums',
    'slow über waltz',
    'a calm town melody with soft drums, then fast battle music in a minor key, then a slow waltz with soft drums',
  ].map((caption, i) => [i, caption] as const))('read caption %i as Hugging Face does: %s', async (i, caption) => {
    const tokens = network.tokens(caption);
    expect(tokens).toEqual([...golden(expected, `caption${i}.ids`).data]);
    expectClose(await network.textEmbedding(tokens), row(`caption${i}.text_embeds`, 0), SAME);
  });

  it('take whole windows only', async () => {
    await expect(network.features(new Float32Array(96_000))).rejects.toThrow('Expected a window of 480000 samples, got 96000');
  });
});

describe('LAION-CLAP', () => {
  let clap: Embedder;
  beforeAll(async () => void (clap = await openLaionClap(spec, { folder: FOLDER, threads: 1 })));
  afterAll(() => clap.dispose());
  const length = (vector: Float32Array): number => Math.hypot(...vector);
  const unit = (vector: ArrayLike<number>): number[] => Array.from(vector, (x) => x / Math.hypot(...Array.from(vector)));

  it('says what it is', () => {
    expect(clap).toMatchObject({ name: `laion-clap ${spec.digest}`, sampleRate: 48_000, dimensions: 16 });
  });

  it('embeds captions, whatever stands beside them', async () => {
    const [calm, fast] = await clap.text(['a calm town melody with soft drums', 'fast battle music in a minor key']);
    expectClose(calm!, unit(row('caption0.text_embeds', 0)), SAME);
    expectClose(fast!, unit(row('caption1.text_embeds', 0)), SAME);
    expect(await clap.text(['fast battle music in a minor key'])).toEqual([fast]);
  });

  it('hears a short clip as one window, a long one by several, each the same whenever and beside whatever it is heard', async () => {
    const long = wave(22);
    const [short, heard] = await clap.audio([wave(2), long], 'a');
    expect(short!.windows.length).toBe(1);
    expectClose(short!.windows[0]!, row('wave2.audio_embeds', 0), SAME);
    expectClose(short!.clip, unit(row('wave2.audio_embeds', 0)), SAME);

    const begins = tileBegins(long.length, WINDOW, 'a');
    const [second] = await clap.audio([long.slice(begins[1], begins[1]! + WINDOW)], 'b');
    expect(second!.windows).toEqual([heard!.windows[1]]);
    expect(heard!.windows.length).toBe(3);
    const mean = Array.from({ length: 16 }, (_, d) => heard!.windows.reduce((sum, window) => sum + window[d]! / length(window), 0));
    expectClose(heard!.clip, unit(mean), 1e-6);
    expect(length(heard!.clip)).toBeCloseTo(1, 6);
  });

  it('hears silence, and a single sample', async () => {
    const [silence, click] = await clap.audio([new Float32Array(48_000), Float32Array.of(1)], 'a');
    expect(silence!.clip.every(Number.isFinite)).toBe(true);
    expect(click!.clip).not.toEqual(silence!.clip);
  });

  it('refuses what it cannot hear or read', async () => {
    await expect(clap.text([])).rejects.toThrow(new InvalidInput('Expected at least one caption, got none'));
    for (const caption of ['', '  ', 'üüü', '日本']) await expect(clap.text(['a calm town', caption])).rejects.toThrow(`Expected a caption with a word that is known, got ${JSON.stringify(caption)}`);
    await expect(clap.audio([wave(1), new Float32Array(0)], 'a')).rejects.toThrow(new InvalidInput('Expected clip 2 to have samples, got none'));
    await expect(clap.audio([Float32Array.of(0, NaN)], 'a')).rejects.toThrow(new InvalidInput('Expected clip 1 to hold numbers, got NaN at sample 1'));
    await expect(clap.audio([Float32Array.of(Infinity)], 'a')).rejects.toThrow(InvalidInput);
    expect(await clap.audio([], 'a')).toEqual([]);
  });

  it('finishes what was asked before it is disposed of, and does nothing afterwards', async () => {
    const heard = clap.audio([wave(1)], 'a');
    const said = clap.text(['a calm town']);
    const gone = clap.dispose();
    expect((await heard).length + (await said).length).toBe(2);
    await gone;
    await clap.dispose();
    await expect(clap.text(['a calm town'])).rejects.toThrow(EngineError);
    await expect(clap.audio([wave(1)], 'a')).rejects.toThrow('expected an embedder, got one that was disposed of');
  });

  it('leaves the settings of transformers.js as they were', () => {
    expect({ ...env }).toEqual(envBefore);
  });
});

describe('a folder with another model', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'genki-clap-'));
    await cp(FOLDER, folder, { recursive: true });
    await cp(join(FOLDER, 'onnx/text_model.onnx'), join(folder, 'onnx/audio_model.onnx')); // opened sooner
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.each([
    ['preprocessor_config.json', { truncation: 'fusion' }, 'truncation'],
    ['preprocessor_config.json', { sampling_rate: 44_100 }, 'sampling_rate'],
    ['preprocessor_config.json', { nb_max_samples: 240_000 }, 'nb_max_samples'],
    ['config.json', { model_type: 'bert' }, 'model_type'],
    ['config.json', { projection_dim: 0 }, 'projection_dim'],
    ['config.json', { audio_config: { enable_fusion: true } }, 'enable_fusion'],
  ])('is refused: %s with %j', async (file, change, named) => {
    const original = await readFile(join(folder, file), 'utf8');
    await writeFile(join(folder, file), JSON.stringify({ ...JSON.parse(original), ...change }));
    const opened = openLaionClap({ ...spec, digest: await laionDigest(folder) }, { folder });
    await expect(opened).rejects.toThrow(new RegExp(`Expected ${file} of an unfused LAION-CLAP at 48 kHz, got: .*${named}`, 's'));
    await expect(opened).rejects.toThrow(InvalidInput);
    await writeFile(join(folder, file), original);
  });

  it('is refused where its network is none', async () => {
    await writeFile(join(folder, 'onnx/text_model.onnx'), 'no network');
    await expect(openLaionClap({ ...spec, digest: await laionDigest(folder) }, { folder })).rejects.toThrow(InvalidInput);
  });

  it('is refused where its embeddings are of another width', async () => {
    await cp(join(FOLDER, 'onnx/text_model.onnx'), join(folder, 'onnx/text_model.onnx'));
    const config = JSON.parse(await readFile(join(folder, 'config.json'), 'utf8')) as object;
    await writeFile(join(folder, 'config.json'), JSON.stringify({ ...config, projection_dim: 17 }));
    const clap = await openLaionClap({ ...spec, digest: await laionDigest(folder) }, { folder, threads: 1 });
    await expect(clap.text(['a calm town'])).rejects.toThrow(/Expected text_embeds of 17 finite numbers, got 16/);
    await clap.dispose();
  });
});

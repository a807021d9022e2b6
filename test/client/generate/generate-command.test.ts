import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { generate, type GenerateOptions } from '../../../client/commands/generate.ts';
import { Stopped } from '../../../client/stop-signal.ts';
import { renderCodes } from '../../../genki/music/apu/synthesizer.ts';
import { Generator } from '../../../genki/music/generator.ts';
import { integratedLoudness } from '../../../genki/music/loudness.ts';
import { languageWeights, openModel } from '../../../genki/music/open-model.ts';
import { readWav } from '../../../genki/music/read-wav.ts';
import { encodeWav } from '../../../genki/music/wav.ts';
import { createEngine } from '../../genki/music/support/engines.ts';

const GOLDENS = new URL('../../goldens/', import.meta.url);
const SHIPPED = fileURLToPath(new URL('../../../dama/ruby-nano', import.meta.url));
const home = mkdtempSync(join(tmpdir(), 'genki-generate-'));
const music = join(home, 'music');
const musicgen = join(home, 'tiny-musicgen');
// no ffmpeg, no network, wherever the test runs
const env = { GENKI_HOME: join(home, 'home'), GENKI_ENGINE: 'onnx', PATH: '' };
const file = (name: string): string => join(music, name);
const OPTIONS: GenerateOptions = { prompts: ['swing steady'], output: file('out.wav'), seed: '1', temperature: 1, anyBase: false, normalize: true, json: true };
const NANO = { ...OPTIONS, dama: SHIPPED, seconds: 1 };
/** 100 frames, more than the model's window of 61. */
const TINY = { ...OPTIONS, prompts: ['a song of the sea'], dama: musicgen, seconds: 0.025 };

beforeAll(() => {
  for (const folder of ['tiny-musicgen', 't5/tiny-tokenizer']) cpSync(new URL(folder, GOLDENS), musicgen, { recursive: true });
  writeFileSync(join(musicgen, 'README.md'), '---\nlicense: cc-by-nc-4.0\n---\n');
  cpSync(musicgen, music, { recursive: true });
  for (const name of readdirSync(music)) rmSync(join(music, name), { recursive: true });
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

type Said = { readonly out: string; readonly err: string };

async function said(options: GenerateOptions, signal = new AbortController().signal): Promise<Said> {
  const spies = [vi.spyOn(process.stdout, 'write').mockReturnValue(true), vi.spyOn(process.stderr, 'write').mockReturnValue(true)];
  try {
    await generate(options, env, { signal: () => signal });
    const [out, err] = spies.map((spy) => spy.mock.calls.map(([text]) => String(text)).join(''));
    return { out: out!, err: err! };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

const soundOf = (path: string) => readWav(readFileSync(path));

describe('generate', () => {
  it("plays what ruby-nano composes, in the model's own way, at -16 LUFS", async () => {
    const { out } = await said({ ...NANO, output: file('nano.wav') });
    expect(JSON.parse(out)).toMatchObject({ pieces: [{ output: file('nano.wav'), prompt: 'swing steady', words: ['swing', 'steady'], seconds: 1 }], from: SHIPPED });
    const { channels, sampleRate } = soundOf(file('nano.wav'));
    expect([channels.length, sampleRate, channels[0]!.length]).toEqual([1, 32_000, 32_000]);
    expect(integratedLoudness(soundOf(file('nano.wav')))).toBeCloseTo(-16, 1);

    const engine = await createEngine();
    const model = await openModel(SHIPPED);
    const generator = await Generator.create(engine, model.music, await languageWeights(model));
    const [codes] = await generator.generate({ prompts: ['swing steady'], frames: 12, seed: '1', guidance: 1, temperature: 1, topK: 64 });
    await said({ ...NANO, output: file('plain.wav'), normalize: false });
    const plain = encodeWav(renderCodes(codes!, { frameRate: 12 }), 32_000);
    expect(soundOf(file('plain.wav'))).toEqual(readWav(plain));
    await generator.dispose();
    await model.close();
    await engine.dispose();
  });

  it('tags the Dama, its digest and how to make the piece again', async () => {
    await said({ ...NANO, output: file('tags.wav'), prompts: ['swing\nsteady'], topP: 0.9 });
    const model = await openModel(SHIPPED);
    const bytes = readFileSync(file('tags.wav')).toString('latin1');
    expect(bytes).toContain('swing steady\0');
    expect(bytes).toContain(`Dama ruby-nano ${await model.digest()}; seed 1; guidance 1; temperature 1; top-k 64; top-p 0.9\0`);
    await model.close();
  });

  it('makes a file of each prompt, of a piece longer than the model hears, and says under which licence', async () => {
    const { out, err } = await said({ ...TINY, prompts: ['a song of the sea', 'rain'], output: file('many.wav'), json: false });
    expect(err).toBe('tiny-musicgen is under cc-by-nc-4.0: not for commercial use\n');
    expect(out.split('\n').map((line) => line.split('  ')[0])).toEqual([file('many-1.wav'), file('many-2.wav'), '']);
    const [first, second] = ['many-1.wav', 'many-2.wav'].map((name) => soundOf(file(name)));
    expect(first!.channels.map(({ length }) => length)).toEqual([800]);
    expect(first).not.toEqual(second);
    expect(existsSync(file('many.wav'))).toBe(false);
    expect(readFileSync(file('many-2.wav')).toString('latin1')).toContain('guidance 3; temperature 1; top-k 250');
  });

  it('goes on from a sound', async () => {
    writeFileSync(file('begin.wav'), encodeWav(Float32Array.from({ length: 400 }, (_, i) => 0.3 * Math.sin(i / 7)), 32_000));
    await said({ ...TINY, output: file('on.wav'), continue: file('begin.wav'), normalize: false });
    await said({ ...TINY, output: file('on-again.wav'), continue: file('begin.wav'), normalize: false, seed: '2' });
    const [on, again] = ['on.wav', 'on-again.wav'].map((name) => soundOf(file(name)).channels[0]!);
    expect(on!.length).toBe(800);
    // 50 frames of 8 samples are given; the decoder's convolutions look a few frames ahead
    expect(on!.subarray(0, 300)).toEqual(again!.subarray(0, 300));
    expect(on!.subarray(400)).not.toEqual(again!.subarray(400));
    await expect(said({ ...TINY, output: file('less.wav'), continue: file('begin.wav'), seconds: 0.01 })).rejects.toThrow('Expected --seconds above the 0.0 s that are there');
  });

  it('plays through an adapter, of this model only', async () => {
    const adapter = fileURLToPath(new URL('adapter-all', GOLDENS));
    await expect(said({ ...NANO, output: file('adapted.wav'), adapter })).rejects.toThrow('Expected an adapter of the base');
    await said({ ...TINY, output: file('adapted.wav'), adapter, normalize: false });
    await said({ ...TINY, output: file('bare.wav'), normalize: false });
    expect(soundOf(file('adapted.wav'))).not.toEqual(soundOf(file('bare.wav')));
    expect(readFileSync(file('adapted.wav')).toString('latin1')).toMatch(/; adapter [0-9a-f]{64}; seed 1;/);
  });

  it('leaves nothing behind when it is stopped', async () => {
    const before = readdirSync(music);
    const controller = new AbortController();
    controller.abort(new Stopped('SIGINT'));
    await expect(said({ ...NANO, output: file('stopped.wav') }, controller.signal)).rejects.toThrow(Stopped);
    expect(readdirSync(music)).toEqual(before);
  });

  it.each<[string, Partial<GenerateOptions>, string]>([
    ['an ending that it does not know', { output: file('x.aac') }, 'Expected an output ending in .wav, .mp3'],
    ['a folder that is not there', { output: file('none/x.wav') }, `there is no folder ${file('none')}`],
    ['a folder as a file', { output: join(home, 'music.wav') }, 'there is something that is no file'],
    ['words that nobody knows', { output: file('x.wav'), prompts: ['swing', 'xyzzy'] }, 'got "xyzzy"'],
    ['more than ten minutes', { output: file('x.wav'), seconds: 601 }, 'at most 600 s, got 601'],
    ['what needs ffmpeg, without', { output: file('x.mp3') }, 'Expected ffmpeg'],
    ['to go on from sound with a chip', { output: file('x.wav'), continue: file('nano.wav') }, 'Expected MIDI'],
    ['a folder without a model', { output: file('x.wav'), dama: home }, 'config.json, got none'],
  ])('refuses %s, and writes nothing', async (_what, change, message) => {
    if (change.output === join(home, 'music.wav')) cpSync(music, join(home, 'music.wav'), { recursive: true });
    const before = readdirSync(music);
    await expect(said({ ...NANO, ...change })).rejects.toThrow(message);
    expect(readdirSync(music)).toEqual(before);
  });
});

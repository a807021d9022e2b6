import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { SOUND_LIMITS, soundReader } from '../../../client/data/read-sound.ts';
import { SampleBuffer } from '../../../client/data/sample-buffer.ts';
import { InvalidInput } from '../../../genki/errors.ts';
import { encodeWav } from '../../../genki/music/wav.ts';
import { Random } from '../../../genki/protocol/random.ts';
import { sine } from '../../genki/data/audio/songs.ts';
import { standInFfmpeg } from './stand-in-ffmpeg.ts';

const folder = mkdtempSync(join(tmpdir(), 'genki-sound-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const ffmpeg = standInFfmpeg(folder);
const format = { sampleRate: 1000, channels: 1 } as const;
const at = (name: string): string => join(folder, name);

describe('reading sound with ffmpeg', () => {
  it('takes samples and tags, of that file and no other', async () => {
    const { audio, tags, notes } = await soundReader(ffmpeg, format)(at('whole.mp3'));
    expect(audio.sampleRate).toBe(1000);
    expect(audio.channels).toEqual([Float32Array.from({ length: 3000 }, (_, i) => i / 3000)]);
    expect([tags.title, notes]).toEqual(['Told', []]);
    const [args] = readFileSync(at('arguments'), 'utf8').trim().split('\n').map((line) => JSON.parse(line) as string[]);
    expect(args!.slice(args!.indexOf('-protocol_whitelist'))).toEqual(['-protocol_whitelist', 'file', '-format_whitelist', expect.not.stringMatching(/concat|hls|dash|sdp|rtp|image2/) as string, '-vn', '-sn', '-dn', '-i', `file:${at('whole.mp3')}`, '-map', '0:a:0', '-f', 'f32le', '-ac', '1', '-ar', '1000', 'pipe:1']);
  });

  it('puts samples together that come in parts, channel by channel', async () => {
    const { audio } = await soundReader(ffmpeg, { ...format, channels: 2 })(at('odd.mp3'));
    expect(audio.channels.map((samples) => [samples.length, samples[1], samples[1499]])).toEqual([[1500, Math.fround(2 / 3000), Math.fround(2998 / 3000)], [1500, Math.fround(3 / 3000), Math.fround(2999 / 3000)]]);
  });

  it('reads as many seconds as it may, and says so', async () => {
    const { audio, notes } = await soundReader(ffmpeg, format, { ...SOUND_LIMITS, seconds: 7 })(at('endless.mp3'));
    expect(audio.channels[0]!.length).toBe(7000);
    expect(audio.channels[0]![6999]).toBe(Math.fround(999 / 3000));
    expect(notes).toEqual(['longer than 7 s: only those were read']);
  });

  it('keeps what there is of a file that is torn, and says what ffmpeg did', async () => {
    const { audio, notes } = await soundReader(ffmpeg, format)(at('torn.mp3'));
    expect([audio.channels[0]!.length, notes]).toEqual([3000, ['ffmpeg said: mp3float: Header missing']]);
  });

  it.each([
    ['text.mp3', 'Expected a file of sound or a video, got one that ffmpeg cannot read: mov,mp4: moov atom not found'],
    ['mute.mp4', 'Expected a file with sound, got one without'],
    ['nan.wav', 'Expected samples that are numbers, got NaN after 0.0 s'],
  ])('refuses %s', async (name, message) => {
    await expect(soundReader(ffmpeg, format)(at(name))).rejects.toThrow(new InvalidInput(message));
  });

  it('ends what takes too long, and what is not wanted any more', async () => {
    await expect(soundReader(ffmpeg, format, { ...SOUND_LIMITS, timeoutMs: 100 })(at('stuck.mp3'))).rejects.toThrow('Expected ffmpeg to read');
    const stop = new AbortController();
    const reading = soundReader(ffmpeg, format)(at('stuck.mp3'), stop.signal);
    stop.abort(new Error('enough'));
    await expect(reading).rejects.toThrow('enough');
    await expect(soundReader(ffmpeg, format)(at('whole.mp3'), stop.signal)).rejects.toThrow('enough');
  });

  it('says when there is nothing to run', async () => {
    await expect(soundReader(at('nowhere'), format)(at('whole.mp3'))).rejects.toThrow(`Expected to run ffmpeg (${at('nowhere')}), got ENOENT`);
  });
});

describe('reading sound without ffmpeg', () => {
  it('takes WAV, at the rate and with the channels that are wanted', async () => {
    writeFileSync(at('sine.wav'), encodeWav(sine(16_000, { hertz: 400, sampleRate: 8000 }), 8000));
    const { audio, tags, notes } = await soundReader(undefined, { sampleRate: 4000, channels: 2 })(at('sine.wav'));
    expect([audio.channels.length, audio.channels[0]!.length, audio.channels[1]!.length, tags, notes]).toEqual([2, 8000, 8000, {}, []]);
    const wanted = sine(8000, { hertz: 400, sampleRate: 4000 });
    for (let i = 1000; i < 7000; i++) expect(Math.abs(audio.channels[0]![i]! - wanted[i]!)).toBeLessThan(2e-3);
    const { audio: short, notes: said } = await soundReader(undefined, { sampleRate: 8000, channels: 1 }, { ...SOUND_LIMITS, seconds: 1 })(at('sine.wav'));
    expect([short.channels[0]!.length, said]).toEqual([8000, ['longer than 1 s: only those were read']]);
  });

  it('says for other files what it would take', async () => {
    writeFileSync(at('text.wav'), 'text');
    await expect(soundReader(undefined, format)(at('song.mp3'))).rejects.toThrow('found none; .wav is read without');
    await expect(soundReader(undefined, format)(at('text.wav'))).rejects.toThrow('Expected a WAV file');
  });
});

describe('a sample buffer', () => {
  it('holds what was pushed in whatever parts, up to a limit', () => {
    const random = new Random('sample-buffer');
    const buffer = new SampleBuffer();
    for (let n = 0; n < 15; n++) {
      const channels = 1 + random.int(2);
      const values = Float32Array.from({ length: channels * random.int(5000) }, () => random.float());
      const most = 1 + random.int(3000);
      buffer.clear(channels);
      const bytes = Buffer.from(values.buffer);
      let fits = true;
      for (let from = 0, to = 0; from < bytes.length; from = to) {
        to = Math.min(bytes.length, from + 1 + random.int(3000));
        fits = buffer.push(bytes.subarray(from, to), most) && fits;
      }
      const length = Math.min(most, values.length / channels);
      expect(fits).toBe(most >= values.length / channels);
      expect(buffer.audio(8).channels).toEqual(Array.from({ length: channels }, (_, c) => Float32Array.from({ length }, (_, i) => values[i * channels + c]!)));
    }
  });
});

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { findFfmpeg } from '../../../client/ffmpeg.ts';
import { outputsOf } from '../../../client/generate/outputs.ts';
import { writeSound } from '../../../client/generate/sound-file.ts';
import type { Tags } from '../../../genki/music/tags.ts';
import { encodeWav } from '../../../genki/music/wav.ts';

const folder = mkdtempSync(join(tmpdir(), 'genki-sound-file-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const ffmpeg = await findFfmpeg(process.env);
const tags: Tags = { title: "-y 'höhle'; title=no", artist: 'Genki-Dama', software: 'Genki-Dama', comment: '-f null \\= #;' };
const audio = { channels: [0.2, 0.4].map((high) => Float32Array.from({ length: 8000 }, (_, i) => high * Math.sin(i / 9))), sampleRate: 16_000 };
const ffmpegReads = (file: string, ...args: string[]): string => execFileSync(ffmpeg!, ['-v', 'error', '-i', `file:${file}`, ...args, 'pipe:1']).toString();

describe('outputsOf', () => {
  it('numbers the files of several prompts', () => {
    expect(outputsOf('/a/b.c.WAV', 1)).toEqual(['/a/b.c.WAV']);
    expect(outputsOf('/a/b.c.WAV', 2)).toEqual(['/a/b.c-1.WAV', '/a/b.c-2.WAV']);
  });
});

describe('writeSound', () => {
  it('takes the place of a file at once, with its tags', async () => {
    const output = join(folder, 'sound.wav');
    writeFileSync(output, 'before');
    await writeSound(audio, { output, tags, ffmpeg: undefined });
    expect(new Uint8Array(readFileSync(output))).toEqual(encodeWav(audio.channels, 16_000, tags));
    expect(readdirSync(folder)).toEqual(['sound.wav']);
  });

  it.skipIf(ffmpeg === undefined).each(['mp3', 'ogg', 'flac', 'opus', 'm4a', 'wav'])('writes .%s, two channels, every tag as it is', async (ending) => {
    const output = join(folder, `-tagged.${ending}`);
    await writeSound(audio, { output, tags, ffmpeg });
    const metadata = ffmpegReads(output, '-f', 'ffmetadata', '-map_metadata', ['ogg', 'opus'].includes(ending) ? '0:s:0' : '0').replaceAll(/\\(.)/g, '$1');
    expect(metadata).toMatch(/^title=-y 'höhle'; title=no$/im);
    expect(metadata).toMatch(/^comment=-f null \\= #;$/im);
    expect(metadata).toMatch(/^artist=Genki-Dama$/im);
    const seconds = execFileSync(ffmpeg!, ['-v', 'error', '-i', `file:${output}`, '-ac', '2', '-ar', '16000', '-f', 's16le', 'pipe:1']).length / 4 / 16_000;
    expect(Math.abs(seconds - 0.5)).toBeLessThan(0.1);
  });

  it.skipIf(ffmpeg === undefined)('says what ffmpeg said, and leaves nothing', async () => {
    const before = readdirSync(folder);
    await expect(writeSound({ ...audio, channels: [new Float32Array(0)] }, { output: join(folder, 'empty.m4a'), tags, ffmpeg: '/bin/false' })).rejects.toThrow('Expected ffmpeg to write .m4a, got 1');
    expect(readdirSync(folder)).toEqual(before);
  });
});

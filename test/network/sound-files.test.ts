import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { importRecordings } from '../../client/data/import-recordings.ts';
import { findMusicFiles, SOUND_ENDINGS } from '../../client/data/music-files.ts';
import { SOUND_LIMITS, soundReader } from '../../client/data/read-sound.ts';
import { findFfmpeg } from '../../client/ffmpeg.ts';
import { encodeWav } from '../../genki/music/wav.ts';
import { Random } from '../../genki/protocol/random.ts';
import { levelCoder } from '../genki/data/audio/level-coder.ts';
import { played } from '../genki/data/audio/songs.ts';

const ffmpeg = await findFfmpeg(process.env);
const folder = mkdtempSync(join(tmpdir(), 'genki-sound-files-'));
const at = (name: string): string => join(folder, name);
const town = played('town', 'files').audio;
const format = { sampleRate: 32_000, channels: 1 } as const;
const encode = (name: string, ...args: string[]): void => void execFileSync(ffmpeg!, ['-v', 'error', '-y', '-i', at('town.wav'), ...args, at(name)]);
let server: Server;
let asked = 0;

beforeAll(async () => {
  writeFileSync(at('town.wav'), encodeWav(town.channels[0]!, town.sampleRate));
  server = createServer((_, answer) => {
    asked++;
    answer.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

// What reads the files is a program that a machine may lack: then there is one thing to say of them all.
describe(ffmpeg === undefined ? 'sound files on a machine without ffmpeg' : 'sound files', ffmpeg === undefined ? withoutFfmpeg : withFfmpeg);

function withoutFfmpeg(): void {
  it.each(['song.mp3', 'song.flac', 'film.mp4'])('are refused, but for WAV: %s', async (name) => {
    await expect(soundReader(undefined, format)(at(name))).rejects.toThrow('Expected ffmpeg to read it (FFMPEG_BIN, the package ffmpeg-static, or on the PATH), found none; .wav is read without');
    expect((await soundReader(undefined, format)(at('town.wav'))).audio.channels[0]!.length).toBe(town.channels[0]!.length);
  });
}

function withFfmpeg(): void {
  it.each<[string, string[]]>([
    ['town.flac', ['-ar', '44100']], ['stereo.wav', ['-ac', '2', '-c:a', 'pcm_s24le']], ['town.aiff', []], ['town.au', []], ['town.mka', ['-c:a', 'flac']], ['town.wv', []], ['town.mp2', ['-b:a', '192k']], ['town.wma', ['-b:a', '128k']], ['town.m4a', ['-b:a', '128k']],
  ])('come out as they went in: %s', async (name, args) => {
    encode(name, ...args);
    const { audio, notes } = await soundReader(ffmpeg, format)(at(name));
    expect([audio.channels.length, notes]).toEqual([1, []]);
    expect(Math.abs(audio.channels[0]!.length - town.channels[0]!.length)).toBeLessThan(6400);
    const loudness = (samples: Float32Array): number => Math.sqrt(samples.reduce((sum, x) => sum + x * x, 0) / samples.length);
    expect(loudness(audio.channels[0]!) / loudness(town.channels[0]!)).toBeCloseTo(1, 1);
  });

  it('come with their tags, wherever a format keeps them', async () => {
    const tags = ['title=Keep', 'genre=Folk;Rock', 'comment=A lost castle', 'artist=Nobody'].flatMap((tag) => ['-metadata', tag]);
    for (const [name, more] of [['tags.flac', []], ['tags.ogg', ['-c:a', 'flac']], ['tags.mka', ['-c:a', 'flac']], ['tags.aiff', ['-write_id3v2', '1']], ['tags.m4a', []]] as const) {
      encode(name, ...tags, '-metadata', 'bpm=99', ...more);
      const { tags: told } = await soundReader(ffmpeg, format)(at(name));
      expect([name, told.title, told.genres, told.description]).toEqual([name, 'Keep', ['Folk', 'Rock'], 'A lost castle']);
    }
  });

  it('are found again whatever they were compressed with, and lies about formats do no harm', async () => {
    mkdirSync(at('songs'));
    writeFileSync(at('songs/01.wav'), encodeWav(town.channels[0]!, town.sampleRate));
    encode('songs/02.flac', '-ar', '44100');
    encode('songs/03.m4a', '-b:a', '64k');
    encode('songs/04.wma', '-b:a', '48k', '-af', 'volume=-9dB');
    encode('songs/05.aiff', '-ss', '0.4', '-ac', '2');
    encode('songs/lie.mp3', '-f', 'flac', '-af', 'areverse');
    encode('songs/torn.flac', '-af', 'asetrate=40000');
    const torn = execFileSync(ffmpeg!, ['-v', 'error', '-i', at('songs/torn.flac'), '-f', 'flac', '-'], { maxBuffer: 2 ** 26 });
    writeFileSync(at('songs/torn.flac'), torn.subarray(0, torn.length / 2));
    execFileSync(ffmpeg!, ['-v', 'error', '-f', 'lavfi', '-i', 'testsrc=d=1:s=64x64', '-c:v', 'mpeg4', at('songs/mute.mp4')]);
    execFileSync(ffmpeg!, ['-v', 'error', '-f', 'lavfi', '-i', 'testsrc=d=10:s=64x64', '-i', at('songs/01.wav'), '-af', 'asetrate=28000', '-c:v', 'mpeg4', at('songs/video.mp4')]);
    const random = new Random('garbage');
    writeFileSync(at('songs/garbage.mp3'), Uint8Array.from({ length: 200_000 }, () => random.int(256)));
    writeFileSync(at('songs/text.mp3'), 'no music\n'.repeat(400));
    writeFileSync(at('songs/empty.ogg'), '');
    const { files, dropped } = await importRecordings(await findMusicFiles([at('songs')], SOUND_ENDINGS), { coder: levelCoder(), read: soundReader(ffmpeg, { sampleRate: 8000, channels: 1 }), rule: { frames: 30, maxSegments: 9, seed: '1' } });
    const first = `everything: the same song as ${at('songs/01.wav')}`;
    const fate = files.map(({ report: { file, clips, error, dropped: without } }) => [basename(file), clips > 0, error?.replace(/:.*/s, '') ?? without[0]]);
    const unreadable = 'Expected a file of sound or a video, got one that ffmpeg cannot read';
    expect(fate).toEqual([
      ['01.wav', true, undefined], ['02.flac', false, first], ['03.m4a', false, first], ['04.wma', false, first], ['05.aiff', false, first],
      ['empty.ogg', false, unreadable], ['garbage.mp3', false, unreadable], ['lie.mp3', true, undefined], ['mute.mp4', false, 'Expected a file with sound, got one without'],
      ['text.mp3', false, unreadable], ['torn.flac', true, undefined], ['video.mp4', true, undefined],
    ]);
    expect(dropped.duplicates).toBe(4);
  });

  it('may say that they are ten hours long', async () => {
    const bytes = 10 * 3600 * 2 * 8000;
    const head = encodeWav(new Float32Array(0), 8000);
    new DataView(head.buffer).setUint32(4, 36 + bytes, true);
    new DataView(head.buffer).setUint32(40, bytes, true);
    writeFileSync(at('hours.wav'), head);
    truncateSync(at('hours.wav'), head.length + bytes);
    const { audio, notes } = await soundReader(ffmpeg, { sampleRate: 8000, channels: 1 }, { ...SOUND_LIMITS, seconds: 20 })(at('hours.wav'));
    expect([audio.channels[0]!.length, notes]).toEqual([160_000, ['longer than 20 s: only those were read']]);
  });

  it('make no other file or address be read', async () => {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/x.wav`;
    const lists: Record<string, string> = {
      'list.m3u8': `#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n${url}\n#EXT-X-ENDLIST\n`,
      'list.mp3': `#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n${url}\n#EXT-X-ENDLIST\n`,
      'other.mp3': 'ffconcat version 1.0\nfile town.wav\n',
      'local.m3u8': '#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\ntown.wav\n#EXT-X-ENDLIST\n',
      'session.sdp': 'v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n',
      'dash.mp4': `<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period><AdaptationSet><Representation><BaseURL>${url}</BaseURL></Representation></AdaptationSet></Period></MPD>`,
    };
    for (const [name, text] of Object.entries(lists)) {
      writeFileSync(at(name), text);
      await expect(soundReader(ffmpeg, format)(at(name))).rejects.toThrow('got one that ffmpeg cannot read');
    }
    await expect(soundReader(ffmpeg, format)(`${at('town.wav')}|${url}`)).rejects.toThrow('got one that ffmpeg cannot read');
    expect(asked).toBe(0);
  });
}

import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { participantsFile, readParticipants, type Participant } from '../../activities/participants.ts';
import { importData, type ImportOptions } from '../../client/commands/data-import.ts';
import { inspectData } from '../../client/commands/data-inspect.ts';
import { compose } from '../../genki/data/composer.ts';
import { decodeDataset } from '../../genki/data/dataset.ts';
import { decodeWav } from '../../genki/music/wav.ts';
import { RUBY } from '../../genki/protocol/ruby.ts';
import { createFolderStore } from '../../genki/store/folder-store.ts';
import { deploymentFile } from '../../workers/deployment.ts';
import { midiOfClip } from '../genki/data/midi/write-midi.ts';

const home = mkdtempSync(join(tmpdir(), 'genki-import-'));
const songs = join(home, 'songs');
const env = { GENKI_HOME: home };
const town = compose({ style: 'town', seed: 'import' });
const march = compose({ style: 'march', seed: 'import' });
const anna: Participant = { name: 'anna', role: 'miner', hotkey: '5anna', bucket: 'anna', privateBucket: 'anna-private' };
const options: ImportOptions = { paths: [songs], name: 'tunes', shared: false, clipsPerFile: 64, seed: '1', skipBad: false, json: true };

beforeAll(() => {
  mkdirSync(join(songs, 'more'), { recursive: true });
  const midi = midiOfClip(town);
  writeFileSync(join(songs, 'a.mid'), midi);
  writeFileSync(join(songs, 'a copy.MID'), midi);
  writeFileSync(join(songs, 'more', 'calm march.midi'), midiOfClip(march));
  writeFileSync(join(songs, 'more', 'notes.txt'), 'no music');
  writeFileSync(join(songs, 'torn.mid'), midi.subarray(0, 200));
  writeFileSync(join(songs, 'told.mid'), midi);
  writeFileSync(join(songs, 'told.json'), '{"caption":"dreamy","stile":"x"}');
  const ref = { bucket: 'hub', key: 'x', sha256: '0'.repeat(64), bytes: 1 };
  writeFileSync(deploymentFile(home), JSON.stringify({ version: 1, competition: RUBY, genesisDama: { digest: '', weights: ref, config: ref }, blockMs: 1000 }));
  writeFileSync(participantsFile(home), JSON.stringify({ version: 1, participants: [{ ...anna, name: 'ben', hotkey: '5ben' }, anna] }));
});
afterAll(() => rmSync(home, { recursive: true, force: true }));
afterEach(() => (process.exitCode = undefined));

async function output(work: () => Promise<void>): Promise<string> {
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  try {
    await work();
    return write.mock.calls.map(([text]) => String(text)).join('');
  } finally {
    write.mockRestore();
  }
}

describe('data import', () => {
  it('makes a miner\'s music of what can be read, names the rest and what it replaces', async () => {
    const { files, ...result } = JSON.parse(await output(() => importData({ ...options, hotkey: 'anna' }, env))) as { files: { file: string; error?: string }[]; digest: string; object: string };
    expect(process.exitCode).toBe(1);
    expect(result).toEqual({ name: 'tunes', licence: 'LicenseRef-private', sharing: 'private', digest: result.digest, clips: 2, miner: 'anna', object: result.object, duplicates: 1, failed: 2 });
    expect(files.map(({ file, error }) => [file.slice(songs.length + 1), error?.split('\n')[0]])).toEqual([
      ['a copy.MID', undefined], ['a.mid', undefined], ['more/calm march.midi', undefined],
      ['told.mid', `Expected {caption, style} in ${join(songs, 'told.json')}:`], ['torn.mid', 'Expected track 2 to hold 541 bytes, got 151'],
    ]);
    const [ben, who] = await readParticipants(home);
    expect(ben!.dataset).toBeUndefined();
    const dataset = decodeDataset(await createFolderStore(join(home, 'store')).get(who!.dataset!.ref, { maxBytes: 2 ** 20 }));
    expect(dataset.clips.map(({ codes }) => codes)).toEqual([town.codes, march.codes]);
    expect(dataset.clips[1]).toMatchObject({ style: 'march', caption: expect.stringMatching(/^calm march /) as string });
    expect(who!.dataset).toMatchObject({ name: 'tunes', digest: result.digest, clips: 2, sharing: 'private' });

    const again = await output(() => importData({ ...options, name: 'fewer', paths: [join(songs, 'a.mid')], hotkey: '5anna', shared: true, licence: 'CC0-1.0', json: false }, env));
    expect(again).toContain(`before: tunes (2 clips), kept in ${result.object}`);
    expect((await readParticipants(home))[1]!.dataset).toMatchObject({ name: 'fewer', licence: 'CC0-1.0', sharing: 'shared', clips: 1 });
    expect(await createFolderStore(join(home, 'store')).head('anna-private', result.object.slice('anna-private/'.length))).toBeDefined();
  });

  it('writes a dataset file, which inspect shows and renders', async () => {
    const file = join(home, 'tunes.safetensors');
    await output(() => importData({ ...options, output: file, skipBad: true }, env));
    expect(process.exitCode).toBeUndefined();
    expect(decodeDataset(readFileSync(file)).clips).toHaveLength(2);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const wav = join(home, 'march.wav');
    const shown = await output(() => inspectData({ file, clip: 2, output: wav, json: false }));
    expect(shown).toContain('tunes: 2 clips of 128 frames, LicenseRef-private, private');
    expect(shown).toMatch(/clip 2 of 2, 10\.7 s, march: calm march .*\npulse1 {3}[CcDdEFfGgAaB.-]{128}\n/);
    expect(decodeWav(readFileSync(wav)).samples.length).toBe(Math.round((128 * 32_000) / 12));
    const midi = JSON.parse(await output(() => inspectData({ file: join(songs, 'a.mid'), json: true }))) as object;
    expect(midi).toMatchObject({ kind: 'midi', format: 1, meter: '4/4', tempo: 120, clips: 1, dropped: [], parts: [{ name: 'pulse1', role: 'pulse1' }, {}, {}, {}] });
  });

  it.each<[string, Partial<ImportOptions>, string]>([
    ['no place for it', {}, 'Expected either a miner whose music it is (--miner), or a file to write (-o)'],
    ['a stranger', { hotkey: 'vera' }, 'Expected a miner of this machine (ben, anna), got vera'],
    ['sharing without a licence', { hotkey: 'anna', shared: true }, 'Expected the licence of music that is shared'],
    ['an output that is no dataset file', { output: join(songs, 'a.mid') }, `Expected an output ending in .safetensors, got ${join(songs, 'a.mid')}`],
    ['a file that is there', { output: join(home, 'tunes.safetensors') }, 'it is there already'],
    ['a folder that is not there', { output: join(home, 'nowhere', 'tunes.safetensors') }, `Expected to write ${join(home, 'nowhere', 'tunes.safetensors')}, got ENOENT`],
    ['no music', { output: join(home, 'none.safetensors'), paths: [join(songs, 'torn.mid'), join(songs, 'nowhere.mid')] }, 'Expected music in 2 files, got none'],
    ['a name too long', { output: join(home, 'none.safetensors'), name: 'x'.repeat(129) }, 'Expected a dataset that can be read back'],
  ])('refuses %s', async (_, changes, message) => {
    await expect(importData({ ...options, ...changes }, env)).rejects.toThrow(message);
  });
});

describe('data inspect', () => {
  it('writes over no music, and nothing by halves', async () => {
    const file = join(home, 'midi.wav');
    copyFileSync(join(songs, 'a.mid'), file);
    symlinkSync(file, join(home, 'same.wav'));
    const before = readdirSync(home);
    for (const [output, message] of [
      [join(songs, 'a.mid'), 'Expected an output ending in .wav'],
      [join(home, 'same.wav'), 'Expected an output other than the input'],
      [join(home, 'nowhere', 'a.wav'), `Expected to write ${join(home, 'nowhere', 'a.wav')}, got ENOENT`],
    ] as const) await expect(inspectData({ file, output, json: true })).rejects.toThrow(message);
    expect(readFileSync(file)).toEqual(readFileSync(join(songs, 'a.mid')));
    expect(readdirSync(home)).toEqual(before);
  });
});

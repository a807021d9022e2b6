import { compose } from '../../../genki/data/composer.ts';
import { decodeDataset, encodeDataset } from '../../../genki/data/dataset.ts';
import { importMidi } from '../../../genki/data/midi/import-midi.ts';
import { isWord } from '../../../genki/data/midi/words-of.ts';
import { InvalidInput } from '../../../genki/errors.ts';
import { checkCodes } from '../../../genki/music/apu/codes.ts';
import { readWav } from '../../../genki/music/read-wav.ts';
import { decodeWav, encodeWav } from '../../../genki/music/wav.ts';
import type { Random } from '../../../genki/protocol/random.ts';
import { meter, midiFile, midiOfClip, tempo } from '../../genki/data/midi/write-midi.ts';
import { concat } from '../mutate-bytes.ts';
import { accepted, holds, type Target } from '../target.ts';

const MiB = 2 ** 20;
const OPTIONS = { frames: 128, frameRate: 12, maxClips: 8, seed: 'fuzz' };

const piano = Array.from({ length: 200 }, (_, i) => ({ from: i * 130, until: i * 130 + 100 + (i % 7) * 80, midi: 36 + ((i * 7) % 60) }));
const SONGS = [
  midiOfClip(compose({ style: 'battle', seed: 'fuzz' })),
  midiOfClip(compose({ style: 'waltz', seed: 'fuzz' }), { framesPerBeat: 5, beats: 3, named: false }),
  midiFile([{ name: 'piano', channel: 0, program: 3, notes: piano }], { conductor: [tempo(0, 500_000), meter(0, 6, 8), tempo(9600, 250_000), meter(14_400, 7, 16)] }),
];

/** Whole events put in, taken out and damaged, with the track's length set right, so that readers get past it. */
function mutateMidi(bytes: Uint8Array, random: Random): Uint8Array {
  const tracks = chunksOf(bytes);
  const header = tracks.shift()!;
  for (let n = 1 + random.int(4); n > 0; n--) {
    const at = random.int(tracks.length);
    const track = tracks[at]!;
    const place = random.int(track.length + 1);
    switch (random.int(5)) {
      case 0: tracks[at] = concat(track.subarray(0, place), anEvent(random), track.subarray(place)); break;
      case 1: tracks[at] = concat(...Array.from({ length: random.chance(0.02) ? 60_000 : 1 + random.int(300) }, () => anEvent(random)), track); break;
      case 2: tracks[at] = concat(track.subarray(0, place), track.subarray(Math.min(track.length, place + 1 + random.int(6)))); break;
      case 3: tracks.push(random.pick(tracks)); break;
      case 4: header[random.int(header.length)] = random.pick([0, 1, 2, 0x7f, 0xe7, 0xe2, 0xff]); break;
    }
  }
  if (random.chance(0.8)) new DataView(header.buffer, header.byteOffset).setUint16(2, tracks.length);
  return concat(chunk('MThd', header), ...tracks.map((track) => chunk('MTrk', track)));
}

function anEvent(random: Random): Uint8Array {
  const delta = random.pick([[0], [0], [1], [0x83, 0x60], [0xff, 0x7f], [0xff, 0xff, 0xff, 0x7f], [0xff, 0xff, 0xff, 0xff, 0x7f], [0x80, 0]]);
  const byte = (): number => random.int(random.chance(0.9) ? 128 : 256);
  const event = random.pick<() => number[]>([
    () => [0x90 + random.int(16), byte(), byte()],
    () => [0x80 + random.int(16), byte(), byte()],
    () => [byte(), byte()],
    () => [0xc0 + random.int(16), byte()],
    () => [0xff, 0x51, 3, random.pick([0, 7, 255]), random.int(256), random.int(256)],
    () => [0xff, 0x58, 4, random.int(256), random.pick([0, 2, 3, 6, 7, 31, 32, 255]), 24, 8],
    () => [0xff, random.int(128), random.pick([0, 1, 2, 3, 4, 5, 127]), byte(), byte()],
    () => [0xff, 0x03, 6, 0x70, 0x75, 0x6c, 0x73, 0x65, 0x31 + random.int(2)],
    () => [0xf0, 0x8f, 0xff, 0xff, 0xff, random.int(128)],
    () => [0xff, 0x2f, 0],
    () => [0xf0 + random.int(16), byte()],
  ])();
  return Uint8Array.from([...delta, ...event]);
}

function chunksOf(bytes: Uint8Array): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (let at = 0; at + 8 <= bytes.length; ) {
    const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(at + 4);
    found.push(bytes.slice(at + 8, at + 8 + length));
    at += 8 + length;
  }
  return found;
}

function chunk(id: string, body: Uint8Array): Uint8Array {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  return concat(Buffer.from(id), length, body);
}

const midi: Target = {
  name: 'midi',
  weight: 16,
  maxBytes: 2 * MiB,
  valid: SONGS,
  mutate: mutateMidi,
  check: (bytes) => {
    const read = accepted([InvalidInput], () => importMidi(bytes, { words: ['a dark song'] }, OPTIONS));
    if (read === undefined) return 'refused';
    const { clips, arrangement, silentClips } = read;
    checkCodes(arrangement.codes, arrangement.frames);
    for (const { codes, frames, caption } of clips) {
      checkCodes(codes, frames);
      holds(codes.some((code) => code > 1), 'a clip that sounds');
      holds(caption.split(' ').every(isWord), 'words that a model knows');
    }
    holds(clips.length + silentClips <= OPTIONS.maxClips, 'no more clips than asked for');
    if (clips.length === 0) return 'refused';
    const file = encodeDataset({ name: 'fuzz', licence: 'CC0-1.0', sharing: 'private', clips });
    holds(decodeDataset(file).clips.length === clips.length, 'a dataset of them');
    return 'accepted';
  },
};

const wav: Target = {
  name: 'wav',
  weight: 4,
  maxBytes: MiB,
  valid: [encodeWav(Float32Array.from({ length: 100 }, (_, i) => Math.sin(i)), 32_000), encodeWav(new Float32Array(0), 8000)],
  check: (bytes) => {
    const read = accepted([InvalidInput], () => decodeWav(bytes));
    if (read === undefined) return 'refused';
    holds(read.samples.every((sample) => sample >= -1 && sample <= 1), 'samples of −1 to 1');
    const again = decodeWav(encodeWav(read.samples, read.sampleRate));
    holds(again.sampleRate === read.sampleRate && again.samples.every((sample, i) => sample === read.samples[i]), 'the same sound after writing it again');
    return 'accepted';
  },
};

const tone = (hertz: number): Float32Array => Float32Array.from({ length: 200 }, (_, i) => 0.5 * Math.sin(hertz * i));
/** Of any kind that a person may record: channels, bits, chunks of their own. */
const recording: Target = {
  name: 'recording',
  weight: 4,
  maxBytes: MiB,
  valid: [encodeWav([tone(0.1), tone(0.2)], 44_100, { title: 'Rain', artist: 'Genki-Dama', software: 'Genki-Dama', comment: 'Dama' }), encodeWav(tone(0.3), 8000)],
  check: (bytes) => {
    const read = accepted([InvalidInput], () => readWav(bytes));
    if (read === undefined) return 'refused';
    const [first] = read.channels;
    holds(read.sampleRate > 0 && first !== undefined, 'a sample rate and a channel');
    holds(read.channels.every((samples) => samples.length === first!.length && samples.every(Number.isFinite)), 'channels of one length, of numbers');
    return 'accepted';
  },
};

export const soundTargets: readonly Target[] = [midi, wav, recording];

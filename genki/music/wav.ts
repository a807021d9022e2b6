import { InvalidInput } from '../errors.ts';
import { riffChunk, wavChunks } from './riff.ts';
import type { Tags } from './tags.ts';

/** Sound with one channel, samples in −1 … 1. */
export type MonoAudio = { readonly samples: Float32Array; readonly sampleRate: number };

const PCM = 1;
const BYTES = 2; // of a sample
export const FULL_SCALE = 32_767;
const MAX_BYTES = 2 ** 32 - 1;

/**
 * A WAV file of 16-bit PCM; samples beyond ±1 are clipped.
 * @param sound the samples of one channel, or of several channels of one length
 * @param tags kept in a LIST INFO chunk; without any there is none
 * @throws {InvalidInput} when channels differ in length, or there is more than a WAV file holds
 */
export function encodeWav(sound: Float32Array | readonly Float32Array[], sampleRate: number, tags?: Tags): Uint8Array {
  const channels = sound instanceof Float32Array ? [sound] : sound;
  const body = new Uint8Array([...riffChunk('fmt ', format(channels.length, sampleRate)), ...(tags ? riffChunk('LIST', infoList(tags)) : [])]);
  const dataBytes = BYTES * channels.length * (channels[0]?.length ?? 0);
  const fileBytes = 12 + body.length + 8 + dataBytes;
  if (channels.some(({ length }) => length !== channels[0]!.length)) throw new InvalidInput(`Expected channels of one length, got ${channels.map(({ length }) => length).join(', ')}`);
  if (fileBytes - 8 > MAX_BYTES) throw new InvalidInput(`Expected sound that a WAV file holds, got ${dataBytes} bytes`);
  const file = new Uint8Array(fileBytes);
  const view = new DataView(file.buffer);
  const text = (at: number, four: string): void => file.set(new TextEncoder().encode(four), at);
  text(0, 'RIFF');
  view.setUint32(4, file.byteLength - 8, true);
  text(8, 'WAVE');
  file.set(body, 12);
  text(12 + body.length, 'data');
  view.setUint32(16 + body.length, dataBytes, true);
  writeSamples(channels, new DataView(file.buffer, 20 + body.length));
  return file;
}

function format(channels: number, sampleRate: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(16));
  view.setUint16(0, PCM, true);
  view.setUint16(2, channels, true);
  view.setUint32(4, sampleRate, true);
  view.setUint32(8, BYTES * channels * sampleRate, true); // bytes a second
  view.setUint16(12, BYTES * channels, true); // bytes a frame
  view.setUint16(14, 8 * BYTES, true); // bits a sample
  return new Uint8Array(view.buffer);
}

function writeSamples(channels: readonly Float32Array[], view: DataView): void {
  channels.forEach((samples, c) => {
    for (let i = 0; i < samples.length; i++) {
      view.setInt16(BYTES * (i * channels.length + c), Math.round(FULL_SCALE * Math.max(-1, Math.min(1, samples[i]!))), true);
    }
  });
}

/** What RIFF's INFO list calls the tags; each text ends with a zero. */
const INFO = { title: 'INAM', artist: 'IART', software: 'ISFT', comment: 'ICMT' } as const;

function infoList(tags: Tags): Uint8Array {
  const texts = Object.entries(INFO).flatMap(([tag, id]) => [...riffChunk(id, new TextEncoder().encode(`${tags[tag as keyof Tags]}\0`))]);
  return Uint8Array.from([...new TextEncoder().encode('INFO'), ...texts]);
}

/**
 * The sound of a WAV file of 16-bit PCM, mono, which is what listeners exchange; chunks that are neither `fmt ` nor `data` are passed over.
 * @throws {InvalidInput} when it is another kind of file, or a length does not fit the bytes
 */
export function decodeWav(bytes: Uint8Array): MonoAudio {
  let sampleRate: number | undefined;
  for (const { name, body } of wavChunks(bytes)) {
    if (name === 'fmt ') sampleRate = readFormat(body);
    if (name === 'data') {
      if (sampleRate === undefined) throw new InvalidInput('Expected chunk fmt before chunk data, got none');
      return { samples: readSamples(body), sampleRate };
    }
  }
  throw new InvalidInput('Expected a chunk data, got none');
}

function readFormat(body: DataView): number {
  if (body.byteLength < 16) throw new InvalidInput(`Expected chunk fmt to hold at least 16 bytes, got ${body.byteLength}`);
  const [code, channels, bits] = [body.getUint16(0, true), body.getUint16(2, true), body.getUint16(14, true)];
  if (code !== PCM || channels !== 1 || bits !== 16) {
    throw new InvalidInput(`Expected 16-bit PCM with 1 channel, got format ${code}, ${bits} bits, ${channels} channels`);
  }
  const sampleRate = body.getUint32(4, true);
  if (sampleRate === 0) throw new InvalidInput('Expected a sample rate above 0, got 0');
  return sampleRate;
}

function readSamples(body: DataView): Float32Array {
  if (body.byteLength % 2 !== 0) throw new InvalidInput(`Expected samples of 2 bytes, got ${body.byteLength} bytes`);
  return Float32Array.from({ length: body.byteLength / 2 }, (_, i) => Math.max(-1, body.getInt16(2 * i, true) / FULL_SCALE));
}

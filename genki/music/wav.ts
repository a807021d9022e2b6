import { InvalidInput } from '../errors.ts';

/** Sound with one channel, samples in −1 … 1. */
export type MonoAudio = { readonly samples: Float32Array; readonly sampleRate: number };

const PCM = 1;
const HEADER_BYTES = 44;
const FULL_SCALE = 32_767;

/** A WAV file of 16-bit PCM, mono; samples beyond ±1 are clipped. */
export function encodeWav(samples: Float32Array, sampleRate: number): Uint8Array {
  const file = new Uint8Array(HEADER_BYTES + 2 * samples.length);
  const view = new DataView(file.buffer);
  const text = (at: number, four: string): void => file.set(new TextEncoder().encode(four), at);
  text(0, 'RIFF');
  view.setUint32(4, file.byteLength - 8, true);
  text(8, 'WAVE');
  text(12, 'fmt ');
  view.setUint32(16, 16, true);
  view.setUint16(20, PCM, true);
  view.setUint16(22, 1, true); // channels
  view.setUint32(24, sampleRate, true);
  view.setUint32(28, 2 * sampleRate, true); // bytes a second
  view.setUint16(32, 2, true); // bytes a frame
  view.setUint16(34, 16, true); // bits a sample
  text(36, 'data');
  view.setUint32(40, 2 * samples.length, true);
  samples.forEach((sample, i) => {
    view.setInt16(HEADER_BYTES + 2 * i, Math.round(FULL_SCALE * Math.max(-1, Math.min(1, sample))), true);
  });
  return file;
}

/**
 * The sound of a WAV file of 16-bit PCM, mono; chunks that are neither `fmt ` nor `data` are passed over.
 * @throws {InvalidInput} when it is another kind of file, or a length does not fit the bytes
 */
export function decodeWav(bytes: Uint8Array): MonoAudio {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.byteLength < 12 || fourAt(bytes, 0) !== 'RIFF' || fourAt(bytes, 8) !== 'WAVE') {
    throw new InvalidInput(`Expected a WAV file, got ${bytes.byteLength} other bytes`);
  }
  let sampleRate: number | undefined;
  for (let at = 12; at + 8 <= bytes.byteLength; ) {
    const name = fourAt(bytes, at);
    const length = view.getUint32(at + 4, true);
    const body = at + 8;
    if (length > bytes.byteLength - body) throw new InvalidInput(`Expected chunk ${name} to hold ${length} bytes, got ${bytes.byteLength - body}`);
    if (name === 'fmt ') sampleRate = readFormat(view, body, length);
    if (name === 'data') {
      if (sampleRate === undefined) throw new InvalidInput('Expected chunk fmt before chunk data, got none');
      return { samples: readSamples(view, body, length), sampleRate };
    }
    at = body + length + (length % 2); // chunks lie on even bytes
  }
  throw new InvalidInput('Expected a chunk data, got none');
}

function readFormat(view: DataView, at: number, length: number): number {
  if (length < 16) throw new InvalidInput(`Expected chunk fmt to hold at least 16 bytes, got ${length}`);
  const [format, channels, bits] = [view.getUint16(at, true), view.getUint16(at + 2, true), view.getUint16(at + 14, true)];
  if (format !== PCM || channels !== 1 || bits !== 16) {
    throw new InvalidInput(`Expected 16-bit PCM with 1 channel, got format ${format}, ${bits} bits, ${channels} channels`);
  }
  const sampleRate = view.getUint32(at + 4, true);
  if (sampleRate === 0) throw new InvalidInput('Expected a sample rate above 0, got 0');
  return sampleRate;
}

function readSamples(view: DataView, at: number, length: number): Float32Array {
  if (length % 2 !== 0) throw new InvalidInput(`Expected samples of 2 bytes, got ${length} bytes`);
  return Float32Array.from({ length: length / 2 }, (_, i) => Math.max(-1, view.getInt16(at + 2 * i, true) / FULL_SCALE));
}

const fourAt = (bytes: Uint8Array, at: number): string => String.fromCharCode(...bytes.subarray(at, at + 4));

import { InvalidInput } from '../errors.ts';
import type { Audio } from './codec.ts';
import { wavChunks } from './riff.ts';

const PCM = 1;
const FLOAT = 3;
/** The kind of sample stands at the beginning of a longer name. */
const EXTENSIBLE = 0xfffe;
const EXTENSIBLE_BYTES = 40;
const MAX_CHANNELS = 32;

type Format = { readonly sampleRate: number; readonly channels: number; readonly bytes: number; readonly sample: (data: DataView, at: number) => number };

/** By kind and bits: a sample in −1 … 1. */
const SAMPLES: Readonly<Record<string, (data: DataView, at: number) => number>> = {
  [`${PCM} 16`]: (data, at) => Math.max(-1, data.getInt16(at, true) / (2 ** 15 - 1)),
  [`${PCM} 24`]: (data, at) => Math.max(-1, (data.getUint16(at, true) + data.getInt8(at + 2) * 2 ** 16) / (2 ** 23 - 1)),
  [`${PCM} 32`]: (data, at) => Math.max(-1, data.getInt32(at, true) / (2 ** 31 - 1)),
  [`${FLOAT} 32`]: (data, at) => data.getFloat32(at, true),
};

/**
 * The sound of a WAV file of 16, 24 or 32-bit PCM or 32-bit float, up to 32 channels; other chunks than `fmt ` and `data`
 * are passed over. Float samples are as they are, beyond ±1 too.
 * @throws {InvalidInput} when it is another kind of file, a length does not fit the bytes, or a sample is no number
 */
export function readWav(bytes: Uint8Array): Audio {
  let format: Format | undefined;
  for (const { name, body } of wavChunks(bytes)) {
    if (name === 'fmt ') format = formatOf(body);
    if (name === 'data') {
      if (format === undefined) throw new InvalidInput('Expected chunk fmt before chunk data, got none');
      return { channels: channelsOf(body, format), sampleRate: format.sampleRate };
    }
  }
  throw new InvalidInput('Expected a chunk data, got none');
}

function formatOf(body: DataView): Format {
  if (body.byteLength < 16) throw new InvalidInput(`Expected chunk fmt to hold at least 16 bytes, got ${body.byteLength}`);
  const [code, channels, sampleRate, frameBytes, bits] = [body.getUint16(0, true), body.getUint16(2, true), body.getUint32(4, true), body.getUint16(12, true), body.getUint16(14, true)];
  const kind = code === EXTENSIBLE && body.byteLength >= EXTENSIBLE_BYTES ? body.getUint16(24, true) : code;
  const sample = SAMPLES[`${kind} ${bits}`];
  if (sample === undefined) throw new InvalidInput(`Expected PCM of 16, 24 or 32 bits or float of 32, got format ${kind} of ${bits} bits`);
  if (channels < 1 || channels > MAX_CHANNELS) throw new InvalidInput(`Expected 1 to ${MAX_CHANNELS} channels, got ${channels}`);
  if (sampleRate === 0) throw new InvalidInput('Expected a sample rate above 0, got 0');
  if (frameBytes !== (channels * bits) / 8) throw new InvalidInput(`Expected frames of ${(channels * bits) / 8} bytes, got ${frameBytes}`);
  return { sampleRate, channels, bytes: bits / 8, sample };
}

function channelsOf(data: DataView, { channels, bytes, sample }: Format): Float32Array[] {
  const frameBytes = channels * bytes;
  if (data.byteLength % frameBytes !== 0) throw new InvalidInput(`Expected frames of ${frameBytes} bytes, got ${data.byteLength} bytes`);
  return Array.from({ length: channels }, (_, c) => {
    const samples = new Float32Array(data.byteLength / frameBytes);
    for (let i = 0; i < samples.length; i++) {
      samples[i] = sample(data, i * frameBytes + c * bytes);
      if (!Number.isFinite(samples[i])) throw new InvalidInput(`Expected finite samples, got ${samples[i]} in channel ${c} at ${i}`);
    }
    return samples;
  });
}

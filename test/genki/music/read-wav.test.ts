import { describe, expect, it } from 'vitest';
import { InvalidInput } from '../../../genki/errors.ts';
import { readWav } from '../../../genki/music/read-wav.ts';
import { riffChunk } from '../../../genki/music/riff.ts';
import { decodeWav, encodeWav } from '../../../genki/music/wav.ts';

type Spec = { kind?: number; channels?: number; bits?: number; sampleRate?: number; frameBytes?: number; extra?: number[] };

function format({ kind = 1, channels = 1, bits = 16, sampleRate = 8000, frameBytes = (channels * bits) / 8, extra = [] }: Spec): Uint8Array {
  const view = new DataView(new ArrayBuffer(16));
  [kind, channels].forEach((value, i) => view.setUint16(2 * i, value, true));
  view.setUint32(4, sampleRate, true);
  view.setUint32(8, sampleRate * frameBytes, true);
  [frameBytes, bits].forEach((value, i) => view.setUint16(12 + 2 * i, value, true));
  return Uint8Array.from([...new Uint8Array(view.buffer), ...extra]);
}

function wavOf(spec: Spec, data: number[] | Uint8Array): Uint8Array {
  const body = [...new TextEncoder().encode('WAVE'), ...riffChunk('fmt ', format(spec)), ...riffChunk('data', Uint8Array.from(data))];
  return riffChunk('RIFF', Uint8Array.from(body));
}

describe('readWav', () => {
  it('reads 16-bit mono as decodeWav does, and what encodeWav wrote in stereo', () => {
    const [left, right] = [0.3, -0.7].map((high) => Float32Array.from({ length: 50 }, (_, i) => high * Math.sin(i)));
    const mono = encodeWav(left!, 32_000);
    expect(readWav(mono)).toEqual({ channels: [decodeWav(mono).samples], sampleRate: 32_000 });
    const stereo = readWav(encodeWav([left!, right!], 44_100));
    expect(stereo.sampleRate).toBe(44_100);
    [left!, right!].forEach((samples, c) => samples.forEach((x, i) => expect(Math.abs(stereo.channels[c]![i]! - x)).toBeLessThanOrEqual(0.5 / 32_767 + 1e-7)));
  });

  it('reads 24 and 32 bits and floats', () => {
    expect([...readWav(wavOf({ bits: 24 }, [0xff, 0xff, 0x7f, 0x01, 0, 0, 0xff, 0xff, 0xff, 0, 0, 0x80])).channels[0]!]).toEqual([1, 1 / 8_388_607, -1 / 8_388_607, -1].map(Math.fround));
    expect([...readWav(wavOf({ bits: 32 }, [0xff, 0xff, 0xff, 0x7f, 0, 0, 0, 0xc0, 0, 0, 0, 0x80])).channels[0]!]).toEqual([1, -(2 ** 30) / (2 ** 31 - 1), -1].map(Math.fround));
    const floats = Float32Array.of(0.25, -1.5, 1, 0);
    expect(readWav(wavOf({ kind: 3, bits: 32, channels: 2 }, new Uint8Array(floats.buffer))).channels).toEqual([Float32Array.of(0.25, 1), Float32Array.of(-1.5, 0)]);
  });

  it('reads the long kind of format by the kind within', () => {
    const guid = [3, 0, 0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71];
    expect(readWav(wavOf({ kind: 0xfffe, bits: 32, extra: [22, 0, 32, 0, 0, 0, 0, 0, ...guid] }, new Uint8Array(Float32Array.of(0.5).buffer))).channels).toEqual([Float32Array.of(0.5)]);
  });

  it('reads a sound of no samples', () => {
    expect(readWav(wavOf({ channels: 2 }, []))).toEqual({ channels: [new Float32Array(0), new Float32Array(0)], sampleRate: 8000 });
  });

  const lying = wavOf({}, [1, 2, 3, 4]);
  new DataView(lying.buffer).setUint32(40, 0xffffffff, true);
  it.each<[string, Uint8Array]>([
    ['Expected a WAV file, got 0 other bytes', new Uint8Array(0)],
    ['Expected PCM of 16, 24 or 32 bits or float of 32, got format 1 of 8 bits', wavOf({ bits: 8 }, [])],
    ['Expected PCM of 16, 24 or 32 bits or float of 32, got format 85 of 16 bits', wavOf({ kind: 85 }, [])],
    ['Expected PCM of 16, 24 or 32 bits or float of 32, got format 65534 of 16 bits', wavOf({ kind: 0xfffe }, [])],
    ['Expected 1 to 32 channels, got 0', wavOf({ channels: 0 }, [])],
    ['Expected 1 to 32 channels, got 33', wavOf({ channels: 33 }, [])],
    ['Expected a sample rate above 0, got 0', wavOf({ sampleRate: 0 }, [])],
    ['Expected frames of 2 bytes, got 1', wavOf({ frameBytes: 1 }, [])],
    ['Expected frames of 4 bytes, got 6 bytes', wavOf({ channels: 2 }, [1, 2, 3, 4, 5, 6])],
    ['Expected chunk data to hold 4294967295 bytes, got 4', lying],
    ['Expected a chunk data, got none', wavOf({}, []).subarray(0, 36)],
    ['Expected finite samples, got NaN in channel 0 at 1', wavOf({ kind: 3, bits: 32 }, new Uint8Array(Float32Array.of(0, NaN).buffer))],
  ])('is refused: %s', (message, bytes) => {
    expect(() => readWav(bytes)).toThrow(new InvalidInput(message));
  });
});

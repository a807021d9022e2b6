import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../genki/engine/engine.ts';
import { InvalidInput } from '../../../genki/errors.ts';
import { encodecCodec } from '../../../genki/music/encodec/encodec-codec.ts';
import { stereoCodec } from '../../../genki/music/stereo-codec.ts';
import type { Codec } from '../../../genki/music/codec.ts';
import { sourceOf } from '../../../genki/protocol/tensor-source.ts';
import { caseCodec, tinyCodec } from './encodec/golden-codecs.ts';
import { createEngine } from './support/engines.ts';
import { expectClose, golden, goldens } from './support/goldens.ts';

describe('stereoCodec', () => {
  let engine: Engine;
  let mono: Codec;
  let stereo: Codec;
  beforeAll(async () => {
    engine = await createEngine();
    const { config, tensors, prefix } = tinyCodec();
    mono = encodecCodec(engine, { config, weights: sourceOf(tensors), prefix });
    stereo = stereoCodec(mono);
  });
  afterAll(async () => {
    await stereo.dispose();
    await engine.dispose();
  });

  const expected = goldens('encodec/musicgen-stereo.safetensors');

  it('has twice the codebooks and two channels', () => {
    expect([stereo.channels, stereo.numCodebooks, stereo.vocabSize, stereo.frameRate, stereo.sampleRate]).toEqual([2, 8, 64, 4000, 32_000]);
  });

  it("decodes codes as Hugging Face's stereo MusicGen does", async () => {
    const { data, shape } = golden(expected, 'decode.codes');
    const { channels, sampleRate } = await stereo.decode(Uint8Array.from(data), shape[1]!);
    expect([channels.length, sampleRate]).toEqual([2, 32_000]);
    expectClose(channels.flatMap((samples) => [...samples]), golden(expected, 'decode.sound').data, 1e-5, 'sound');
  });

  it("codes sound as Hugging Face's stereo MusicGen does", async () => {
    const { data, shape } = golden(expected, 'encode.sound');
    const samples = shape[1]!;
    const { codes, frames } = await stereo.encode([0, 1].map((c) => Float32Array.from(data.slice(c * samples, (c + 1) * samples))));
    expect(golden(expected, 'encode.codes').shape).toEqual([8, frames]);
    expect([...codes]).toEqual([...golden(expected, 'encode.codes').data]);
  });

  it('refuses what is not stereo', async () => {
    await expect(stereo.encode([new Float32Array(8)])).rejects.toThrow(new InvalidInput('Expected 2 channels, got 1'));
    await expect(stereo.encode([new Float32Array(8), new Float32Array(9)])).rejects.toThrow(new InvalidInput('Expected channels of 8 samples, got one of 9'));
    await expect(stereo.decode(new Uint8Array(4), 1)).rejects.toThrow(new InvalidInput('Expected 8 codebooks of 1 frames, got 4 codes in all'));
    await expect(stereo.decode(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 64), 1)).rejects.toThrow(new InvalidInput('Expected codes of 0 to 63, got 64 in codebook 7 at frame 0'));
  });

  it('refuses a codec that has two channels already', () => {
    const { config, tensors, prefix } = caseCodec('stereo');
    const two = encodecCodec(engine, { config, weights: sourceOf(tensors), prefix });
    expect(() => stereoCodec(two)).toThrow(new RangeError('Expected a codec of 1 channel, got one of 2'));
  });
});

import { describe, expect, it } from 'vitest';
import { InvalidInput } from '../../../../genki/errors.ts';
import { apuCodec } from '../../../../genki/music/apu/apu-codec.ts';
import { renderCodes } from '../../../../genki/music/apu/synthesizer.ts';
import { Random } from '../../../../genki/protocol/random.ts';

describe('apuCodec', () => {
  const codec = apuCodec({ frameRate: 12 });

  it('plays codes as the synthesizer does', async () => {
    const random = new Random('apu');
    const codes = Uint8Array.from({ length: 4 * 6 }, () => random.int(64));
    const { channels, sampleRate } = await codec.decode(codes, 6);
    expect([channels.length, channels[0]!.length, sampleRate]).toEqual([1, 16_000, 32_000]);
    expect(Buffer.compare(new Uint8Array(channels[0]!.buffer), new Uint8Array(renderCodes(codes).buffer))).toBe(0);
  });

  it('plays at its own frame rate', async () => {
    expect((await apuCodec({ frameRate: 50 }).decode(new Uint8Array(4 * 25), 25)).channels[0]).toHaveLength(16_000);
  });

  it('tells what it is', () => {
    const { sampleRate, channels, frameRate, numCodebooks, vocabSize } = codec;
    expect({ sampleRate, channels, frameRate, numCodebooks, vocabSize }).toEqual({ sampleRate: 32_000, channels: 1, frameRate: 12, numCodebooks: 4, vocabSize: 64 });
  });

  it('refuses codes that it does not have, and sound', async () => {
    await expect(codec.decode(new Uint8Array(8), 3)).rejects.toThrow(new InvalidInput('Expected 4 codebooks of 3 frames, got 8 codes in all'));
    await expect(codec.decode(Uint8Array.of(0, 0, 64, 0), 1)).rejects.toThrow(new InvalidInput('Expected codes of 0 to 63, got 64 in codebook 2 at frame 0'));
    await expect(codec.encode([new Float32Array(9)])).rejects.toThrow(new InvalidInput("Expected MIDI to make the sound chip's codes of, got sound"));
  });
});

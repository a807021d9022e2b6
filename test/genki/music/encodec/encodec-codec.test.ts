import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../../genki/engine/engine.ts';
import { createTfjsEngine } from '../../../../genki/engine/tfjs/tfjs-engine.ts';
import { loadTfjs } from '../../../../genki/engine/tfjs/load-tfjs.ts';
import { InvalidInput } from '../../../../genki/errors.ts';
import type { Codec } from '../../../../genki/music/codec.ts';
import { encodecCodec } from '../../../../genki/music/encodec/encodec-codec.ts';
import { Random } from '../../../../genki/protocol/random.ts';
import type { HostTensor, TensorMap } from '../../../../genki/protocol/safetensors.ts';
import { sourceOf, type TensorSource } from '../../../../genki/protocol/tensor-source.ts';
import { createEngine } from '../support/engines.ts';
import { expectClose } from '../support/goldens.ts';
import { caseCodec, type CodecFiles, tinyCodec } from './golden-codecs.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});
afterAll(() => engine.dispose());

/** With values of at most so many elements, that sounds are cut into short pieces; else in one. */
const codecOf = ({ config, tensors, prefix }: CodecFiles, pieceValues?: number): Codec => encodecCodec(engine, { config, weights: sourceOf(tensors), prefix }, pieceValues);

const randomCodes = (codec: Codec, frames: number, seed: string): Uint8Array => {
  const random = new Random(seed);
  return Uint8Array.from({ length: codec.numCodebooks * frames }, () => random.int(codec.vocabSize));
};

const randomSound = (codec: Codec, samples: number, seed: string): Float32Array[] => {
  const random = new Random(seed);
  return Array.from({ length: codec.channels }, () => Float32Array.from({ length: samples }, () => 0.4 * random.normal()));
};

describe('encodecCodec', () => {
  it('tells what it is', () => {
    const { sampleRate, channels, frameRate, numCodebooks, vocabSize } = codecOf(tinyCodec());
    expect({ sampleRate, channels, frameRate, numCodebooks, vocabSize }).toEqual({ sampleRate: 32_000, channels: 1, frameRate: 4000, numCodebooks: 4, vocabSize: 64 });
  });

  it.each(['causal', 'causal-reflect', 'deep', 'stereo'])('gives in pieces what one pass gives: %s', async (name) => {
    const [whole, cut] = [codecOf(caseCodec(name)), codecOf(caseCodec(name), 1)];
    const frames = 203;
    const codes = randomCodes(whole, frames, name);
    const [inOne, inPieces] = [await whole.decode(codes, frames), await cut.decode(codes, frames)];
    inOne.channels.forEach((samples, c) => expectClose(inPieces.channels[c]!, samples, 1e-6, 'samples'));
    const sound = randomSound(whole, (whole.sampleRate / whole.frameRate) * frames - 2, name);
    expect(await cut.encode(sound)).toEqual(await whole.encode(sound));
    await Promise.all([whole.dispose(), cut.dispose()]);
  });

  it('hardly differs where an LSTM starts anew', async () => {
    const [whole, cut] = [codecOf(tinyCodec()), codecOf(tinyCodec(), 8192)];
    const frames = 2600; // of which a run of an LSTM that starts anew takes 2048
    const codes = randomCodes(whole, frames, 'spans');
    const [inOne, inSpans] = [await whole.decode(codes, frames), await cut.decode(codes, frames)];
    expectClose(inSpans.channels[0]!, inOne.channels[0]!, 1e-6, 'samples');
    expect(await cut.encode(inOne.channels)).toEqual(await whole.encode(inOne.channels));
    await Promise.all([whole.dispose(), cut.dispose()]);
  });

  it('does several things at once, each as if alone, and reads the weights once', async () => {
    const { config, tensors, prefix } = tinyCodec();
    const read: string[] = [];
    const weights: TensorSource = { ...sourceOf(tensors), read: async (name) => (read.push(name), tensors.get(name)!) };
    const [first, codec] = [codecOf(tinyCodec()), encodecCodec(engine, { config, weights, prefix })];
    const lengths = [3, 17, 5, 17, 9];
    const alone = [];
    for (const frames of lengths) alone.push(await first.decode(randomCodes(first, frames, `${frames}`), frames));
    expect(await Promise.all(lengths.map((frames) => codec.decode(randomCodes(codec, frames, `${frames}`), frames)))).toEqual(alone);
    expect(new Set(read).size).toBe(read.length);
    await Promise.all([first.dispose(), codec.dispose()]);
  });

  it('keeps the programs of the last two lengths, and none when it is disposed of', async () => {
    let open = 0;
    let compiled = 0;
    const counting: Engine = {
      ...engine,
      async compile(program) {
        const executable = await engine.compile(program);
        open++;
        compiled++;
        return { run: (feeds) => executable.run(feeds), dispose: () => (open--, executable.dispose()) };
      },
    };
    const { config, tensors, prefix } = tinyCodec();
    const codec = encodecCodec(counting, { config, weights: sourceOf(tensors), prefix });
    for (const frames of [5, 6, 5, 7, 5, 6]) await codec.decode(new Uint8Array(4 * frames), frames);
    // 5, 6, 7 and 6 again, of two stages each
    expect([compiled, open]).toEqual([8, 4]);
    await codec.dispose();
    expect(open).toBe(0);
  });

  it('reads of the weights what it needs, when it needs it, and again after it was disposed of', async () => {
    const { config, tensors, prefix } = tinyCodec();
    const read: string[] = [];
    const weights: TensorSource = { ...sourceOf(tensors), read: async (name) => (read.push(name), tensors.get(name)!) };
    const codec = encodecCodec(engine, { config, weights, prefix });
    expect(read).toEqual([]);
    const first = await codec.decode(new Uint8Array(4 * 5), 5);
    expect(read.some((name) => name.startsWith('audio_encoder.encoder'))).toBe(false);
    expect(new Set(read).size).toBe(read.length);
    const once = read.length;
    await codec.decode(new Uint8Array(4 * 6), 6);
    expect(read.length).toBe(once);
    await codec.dispose();
    expect(await codec.decode(new Uint8Array(4 * 5), 5)).toEqual(first);
    expect(read.length).toBe(2 * once);
    await codec.dispose();
  });

  it('leaves no tensor behind, nor when weights are missing', async () => {
    const { tf } = await loadTfjs('wasm');
    const counting = await createTfjsEngine({ backend: 'wasm' });
    const { config, tensors, prefix } = tinyCodec();
    const before = tf.memory().numTensors;
    const codec = encodecCodec(counting, { config, weights: sourceOf(tensors), prefix });
    await codec.decode(new Uint8Array(4 * 3), 3);
    const decoding = tf.memory().numTensors;
    await codec.decode(new Uint8Array(4 * 2), 2);
    expect(tf.memory().numTensors).toBe(decoding);
    await codec.encode([new Float32Array(19)]);
    await codec.dispose();
    expect(tf.memory().numTensors).toBe(before);

    const lacking = new Map([...tensors].filter(([name]) => !name.includes('decoder.layers.9')));
    const broken = encodecCodec(counting, { config, weights: sourceOf(lacking), prefix });
    await expect(broken.decode(new Uint8Array(4 * 3), 3)).rejects.toThrow('decoder.layers.9');
    await broken.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('codes sound beyond ±1 as it is', async () => {
    const codec = codecOf(tinyCodec());
    const loud = randomSound(codec, 160, 'loud').map((samples) => samples.map((x) => 8 * x));
    const clipped = loud.map((samples) => samples.map((x) => Math.max(-1, Math.min(1, x))));
    expect((await codec.encode(loud)).codes).not.toEqual((await codec.encode(clipped)).codes);
    await codec.dispose();
  });

  it('refuses codes that it does not have', async () => {
    const codec = codecOf(tinyCodec());
    await expect(codec.decode(Uint8Array.of(0, 0, 0, 0, 0, 64, 0, 0), 2)).rejects.toThrow(new InvalidInput('Expected codes of 0 to 63, got 64 in codebook 2 at frame 1'));
    await expect(codec.decode(new Uint8Array(7), 2)).rejects.toThrow(new InvalidInput('Expected 4 codebooks of 2 frames, got 7 codes in all'));
    for (const frames of [0, -1, 1.5, NaN]) await expect(codec.decode(new Uint8Array(0), frames)).rejects.toThrow(new InvalidInput(`Expected 1 frame or more, got ${frames}`));
  });

  it('refuses sound that it cannot code', async () => {
    const [mono, stereo] = [codecOf(tinyCodec()), codecOf(caseCodec('stereo'))];
    const samples = new Float32Array(9);
    await expect(mono.encode([samples, samples])).rejects.toThrow(new InvalidInput('Expected 1 channel, got 2'));
    await expect(stereo.encode([samples])).rejects.toThrow(new InvalidInput('Expected 2 channels, got 1'));
    await expect(stereo.encode([samples, new Float32Array(8)])).rejects.toThrow(new InvalidInput('Expected channels of 9 samples, got one of 8'));
    await expect(mono.encode([new Float32Array(0)])).rejects.toThrow(new InvalidInput('Expected 1 sample or more, got none'));
    await expect(mono.encode([Float32Array.of(0, NaN)])).rejects.toThrow(new InvalidInput('Expected finite samples, got NaN in channel 0 at 1'));
    await expect(mono.encode([Float32Array.of(-Infinity)])).rejects.toThrow(new InvalidInput('Expected finite samples, got -Infinity in channel 0 at 0'));
  });

  it('refuses a sound that is too long for norms that look at all of it', async () => {
    const codec = codecOf(caseCodec('grouped'));
    await expect(codec.decode(new Uint8Array(0), 2_900_000)).rejects.toThrow(new InvalidInput('Expected at most 2796202 frames for a codec with time_group_norm, got 2900000'));
  });

  it('refuses a codec whose codes come with a scale', () => {
    const files = tinyCodec();
    expect(() => codecOf({ ...files, config: { ...files.config, normalize: true } })).toThrow(new InvalidInput('Expected an audio codec with normalize false, got true'));
  });

  it.each<[string, (tensors: Map<string, HostTensor>) => void, string]>([
    ['a missing kernel', (tensors) => tensors.delete('audio_encoder.decoder.layers.3.conv.parametrizations.weight.original1'), 'Expected a tensor audio_encoder.decoder.layers.3.conv.parametrizations.weight.original1, got none'],
    ['a missing norm', (tensors) => tensors.delete('audio_encoder.decoder.layers.3.conv.parametrizations.weight.original0'), 'Expected a tensor audio_encoder.decoder.layers.3.conv.weight, got none'],
    ['a gain for each output of a transposed convolution', (tensors) => tensors.set('audio_encoder.decoder.layers.3.conv.parametrizations.weight.original0', { shape: [8, 1, 1], dtype: 'F32', data: new Float32Array(8) }), 'original0 to be float [16, 1, 1], got F32 [8, 1, 1]'],
    ['another codebook size', (tensors) => tensors.set('audio_encoder.quantizer.layers.0.codebook.embed', { shape: [32, 8], dtype: 'F32', data: new Float32Array(256) }), 'Expected tensor audio_encoder.quantizer.layers.0.codebook.embed to be float [64, 8], got F32 [32, 8]'],
    ['a direction of 0', (tensors) => tensors.set('audio_encoder.decoder.layers.0.conv.parametrizations.weight.original1', { shape: [16, 8, 7], dtype: 'F32', data: new Float32Array(16 * 8 * 7) }), 'Expected finite values of audio_encoder.decoder.layers.0.conv.weight, got NaN at 0'],
  ])('refuses weights with %s', async (_, spoil, message) => {
    const files = tinyCodec();
    const tensors = new Map(files.tensors);
    spoil(tensors);
    const codec = codecOf({ ...files, tensors: tensors as TensorMap });
    await expect(codec.decode(new Uint8Array(4), 1)).rejects.toThrow(InvalidInput);
    await expect(codec.decode(new Uint8Array(4), 1)).rejects.toThrow(message);
  });
});

import { type Codes, newCodes } from './clip.ts';
import { checkCodes, checkSound, type Codec } from './codec.ts';

/**
 * Two channels by a codec of one: each is coded by itself, and the codebooks lie in pairs, left and right, as MusicGen's
 * stereo models have them.
 * @param mono it is disposed of with the stereo codec
 * @throws {RangeError} when it has two channels itself
 */
export function stereoCodec(mono: Codec): Codec {
  if (mono.channels !== 1) throw new RangeError(`Expected a codec of 1 channel, got one of ${mono.channels}`);
  const { sampleRate, frameRate, vocabSize } = mono;
  const shape = { channels: 2, numCodebooks: 2 * mono.numCodebooks, vocabSize } as const;
  return {
    sampleRate,
    frameRate,
    ...shape,
    async decode(codes, frames) {
      checkCodes(shape, codes, frames);
      const left = await mono.decode(everySecond(codes, frames, 0), frames);
      const right = await mono.decode(everySecond(codes, frames, 1), frames);
      return { channels: [left.channels[0]!, right.channels[0]!], sampleRate };
    },
    async encode(channels) {
      checkSound(shape, channels);
      const left = await mono.encode([channels[0]!]);
      const right = await mono.encode([channels[1]!]);
      return { codes: interleaved(left.codes, right.codes, { frames: left.frames, vocabSize }), frames: left.frames };
    },
    dispose: () => mono.dispose(),
  };
}

/** Codebooks 0, 2, 4 … or 1, 3, 5 …: [2K, frames] -> [K, frames]. */
function everySecond(codes: Codes, frames: number, from: 0 | 1): Codes {
  const out = codes.slice(0, codes.length / 2);
  for (let k = 0; 2 * k * frames < codes.length; k++) out.set(codes.subarray((2 * k + from) * frames, (2 * k + from + 1) * frames), k * frames);
  return out;
}

/** [K, frames] of the left and of the right -> [2K, frames]. */
function interleaved(left: Codes, right: Codes, { frames, vocabSize }: { readonly frames: number; readonly vocabSize: number }): Codes {
  const out = newCodes(vocabSize, left.length + right.length);
  for (let at = 0; at < left.length; at += frames) {
    out.set(left.subarray(at, at + frames), 2 * at);
    out.set(right.subarray(at, at + frames), 2 * at + frames);
  }
  return out;
}

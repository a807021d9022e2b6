import { InvalidInput } from '../../errors.ts';
import { checkCodes, type Codec } from '../codec.ts';
import { CHANNELS, VOCABULARY } from './codes.ts';
import { renderCodes, SAMPLE_RATE } from './synthesizer.ts';

/**
 * The sound chip as a codec that can only be played: what stands in a sound is not to be read off it.
 * @param frameRate frames a second
 */
export function apuCodec({ frameRate }: { readonly frameRate: number }): Codec {
  const shape = { numCodebooks: CHANNELS.length, vocabSize: VOCABULARY };
  return {
    sampleRate: SAMPLE_RATE,
    channels: 1,
    frameRate,
    ...shape,
    async decode(codes, frames) {
      checkCodes(shape, codes, frames);
      return { channels: [renderCodes(codes, { frameRate })], sampleRate: SAMPLE_RATE };
    },
    async encode() {
      throw new InvalidInput("Expected MIDI to make the sound chip's codes of, got sound");
    },
    dispose: async () => {},
  };
}

import { CHANNELS, VOCABULARY } from '../../music/apu/codes.ts';
import { SAMPLE_RATE } from '../../music/apu/synthesizer.ts';
import { isSilent } from '../midi/cut.ts';
import type { SoundCoder } from './sound-coder.ts';
import { MIN_CONFIDENCE, transcribe } from './transcribe/transcribe.ts';

/** Changes whenever `transcribe` makes other codes of a sound. */
const VERSION = 2;

/** Recordings as codes of the sound chip: their notes, written down. */
export const transcribingCoder = ({ frames, frameRate }: Pick<SoundCoder, 'frames' | 'frameRate'>): SoundCoder => ({
  sampleRate: SAMPLE_RATE,
  channels: 1,
  frameRate,
  numCodebooks: CHANNELS.length,
  vocabSize: VOCABULARY,
  frames,
  digest: `transcribe/${VERSION}`,
  captions: 'words',
  async encode([samples]) {
    const heard = Math.min(frames, Math.ceil((samples!.length * frameRate) / SAMPLE_RATE));
    const { codes, confidence } = transcribe({ channels: [samples!], sampleRate: SAMPLE_RATE }, { frames: heard, frameRate });
    if (isSilent(codes)) return { flaw: 'silence' };
    return confidence < MIN_CONFIDENCE ? { flaw: 'unplayable' } : { codes, frames: heard };
  },
});

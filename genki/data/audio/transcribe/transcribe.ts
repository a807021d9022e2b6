import { resample } from '../../../evaluation/clap/resample.ts';
import { encodeNotes } from '../../../music/apu/codes.ts';
import { renderCodes } from '../../../music/apu/synthesizer.ts';
import type { Audio } from '../../../music/codec.ts';
import { hitsIn } from './drum-hits.ts';
import { hear } from './heard.ts';
import { pulsesIn, trianglesIn } from './pitched.ts';
import { RATE, spectraAt } from './spectra.ts';
import { voicesOf } from './voices.ts';

export type Transcription = {
  /** Shape [4, frames]. */
  readonly codes: Uint8Array;
  /** How much the codes sound like the recording, 0 … 1. */
  readonly confidence: number;
};

/**
 * Below it a recording is no music that the chip can play. Measured over seeded clips of 10.67 s: the chip's own music .93 to
 * 1.00, its drums alone .88 and more, a plucked string .89 to .91, three at once .80 to .83; eight at once .67 to .71,
 * speech-like babble .61 to .66, pink noise .56 to .58, white noise .06 to .25. A second of white noise may pass by chance.
 */
export const MIN_CONFIDENCE = 0.72;

/**
 * What the sound chip would have to play to sound like a recording: frame by frame the few of its sounds that explain the
 * spectrum (`decompose`), then notes from frames, voices from pulses, and drums where they are struck.
 *
 * Good for chip music, with frames that lie where the notes do. 48 pieces of the composer that no threshold was tuned on:
 * notes F1 .88 (pitch and channel exact, begin within a frame; pulse 1 .90, pulse 2 .87, triangle .87; .91 in any channel,
 * of what is wrong then a tenth are octaves), onsets of drums .86, their kinds .60. Poor for anything else: of plucked
 * strings nearly every note is found, but of what is found more than half are overtones or the same note once more in
 * another channel (F1 .45 for one string, .60 for three). Pitched notes keep no loudness: the chip has none.
 *
 * The same for louder and softer recordings, down to −80 dB. Deterministic; half a second for a clip of 10.67 s on a busy core.
 * @param audio mean of its channels, at any rate; what lies behind the frames is not heard, and silence where it ends before
 * @throws {RangeError} for no channels
 */
export function transcribe({ channels, sampleRate }: Audio, { frames, frameRate }: { readonly frames: number; readonly frameRate: number }): Transcription {
  const [first] = channels;
  if (first === undefined) throw new RangeError('Expected at least one channel, got none');
  const mono = channels.length === 1 ? first : first.map((_, i) => channels.reduce((sum, samples) => sum + samples[i]!, 0) / channels.length);
  const heard = hear(resample(mono, sampleRate, RATE), { frames, frameRate });
  const codes = encodeNotes([...voicesOf(pulsesIn(heard)), ...trianglesIn(heard), ...hitsIn(heard)], frames);
  const played = spectraAt(renderCodes(codes, { frameRate }), Array.from({ length: frames }, (_, frame) => ((frame + 0.5) * RATE) / frameRate));
  return { codes, confidence: likeness(heard.spectra, played) };
}

/** Cosine of two sounds' magnitudes, the mean of frames that count by how strong the recording is there; 0 for silence. */
function likeness(recorded: readonly Float64Array[], played: readonly Float64Array[]): number {
  let [sum, total] = [0, 0];
  recorded.forEach((spectrum, t) => {
    const strength = Math.sqrt(dot(played[t]!, played[t]!));
    if (strength > 0) sum += dot(spectrum, played[t]!) / strength;
    total += Math.sqrt(dot(spectrum, spectrum));
  });
  return total === 0 ? 0 : sum / total;
}

function dot(x: Float64Array, y: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i]! * y[i]!;
  return sum;
}

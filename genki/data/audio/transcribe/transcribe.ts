import { resample } from '../../../evaluation/clap/resample.ts';
import { encodeNotes } from '../../../music/apu/codes.ts';
import { renderCodes } from '../../../music/apu/synthesizer.ts';
import type { Audio } from '../../../music/codec.ts';
import { hitsIn } from './drum-hits.ts';
import { hear } from './heard.ts';
import { pulsesIn, trianglesIn } from './pitched.ts';
import { RATE, spectraAt } from './spectra.ts';
import { voicesOf } from './voices.ts';

export type Transcription = { readonly codes: Uint8Array; readonly confidence: number };

export function transcribe({ channels, sampleRate }: Audio, { frames, frameRate }: { readonly frames: number; readonly frameRate: number }): Transcription {
  const [first] = channels;
  if (first === undefined) throw new RangeError('Expected at least one channel, got none');
  const mono = channels.length === 1 ? first : first.map((_, i) => channels.reduce((sum, samples) => sum + samples[i]!, 0) / channels.length);
  const heard = hear(resample(mono, sampleRate, RATE), { frames, frameRate });
  const codes = encodeNotes([...voicesOf(pulsesIn(heard)), ...trianglesIn(heard), ...hitsIn(heard)], frames);
  const played = spectraAt(renderCodes(codes, { frameRate }), Array.from({ length: frames }, (_, frame) => ((frame + 0.5) * RATE) / frameRate));
  return { codes, confidence: likeness(heard.spectra, played) };
}

/** The cosine of two sounds' magnitudes, the mean of frames that count as much as the first one's is strong. */
function likeness(wanted: readonly Float64Array[], got: readonly Float64Array[]): number {
  let [sum, total] = [0, 0];
  wanted.forEach((spectrum, t) => {
    const other = got[t]!;
    let [xx, yy, xy] = [0, 0, 0];
    for (let i = 0; i < spectrum.length; i++) {
      xx += spectrum[i]! ** 2;
      yy += other[i]! ** 2;
      xy += spectrum[i]! * other[i]!;
    }
    if (yy > 0 && xx > 0) sum += xy / Math.sqrt(yy);
    total += Math.sqrt(xx);
  });
  return total === 0 ? 0 : sum / total;
}

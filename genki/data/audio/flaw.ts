import type { Audio } from '../../music/codec.ts';
import { integratedLoudness } from '../../music/loudness.ts';

/** Why a segment is left out: nothing sounds in it, it clips, or it is not what the model can play. */
export type Flaw = 'silence' | 'clipping' | 'unplayable';

const QUIETEST_LUFS = -60;
const MOST_ZEROS = 0.5;
/** −.1 dBFS: what was flat at full scale is no more quite flat at another sample rate. */
const FULL_SCALE = 0.99;
const RUN = 3;
const MOST_CLIPPED = 0.001;

/** What is wrong with a segment, as it was recorded: quieter than −60 LUFS, or more zeros than sound; or more than .1 % of its samples in runs of 3 and more at full scale. */
export function flawOf(segment: Audio): Exclude<Flaw, 'unplayable'> | undefined {
  const { channels } = segment;
  if (channels.every((samples) => share(samples, zeros) > MOST_ZEROS) || !(integratedLoudness(segment) >= QUIETEST_LUFS)) return 'silence';
  return channels.some((samples) => share(samples, clipped) > MOST_CLIPPED) ? 'clipping' : undefined;
}

const share = (samples: Float32Array, count: (samples: Float32Array) => number): number => count(samples) / samples.length;

function zeros(samples: Float32Array): number {
  let count = 0;
  for (const sample of samples) if (sample === 0) count++;
  return count;
}

function clipped(samples: Float32Array): number {
  let count = 0;
  let run = 0;
  for (const sample of samples) {
    if (Math.abs(sample) < FULL_SCALE) run = 0;
    else if (++run === RUN) count += RUN;
    else if (run > RUN) count++;
  }
  return count;
}

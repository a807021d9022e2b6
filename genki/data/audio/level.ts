import type { Audio } from '../../music/codec.ts';
import { integratedLoudness } from '../../music/loudness.ts';

/** LUFS that a song is brought to: what generated music has. */
const TARGET_LUFS = -16;
/** −1 dBFS: no sample of a song lies above it afterwards. */
export const PEAK = 10 ** (-1 / 20);

/** How loud a song is, is heard in so many stretches of a minute, evenly spread, where it is longer than they are. */
const STRETCHES = 10;
const STRETCH_SECONDS = 60;

/** The factor that brings a whole song to −16 LUFS, or as near as its peaks allow. */
export function gainOf(song: Audio): number {
  const peak = song.channels.reduce((most, samples) => Math.max(most, peakOf(samples)), 0);
  const gain = 10 ** ((TARGET_LUFS - integratedLoudness(heardOf(song))) / 20);
  return peak === 0 || !Number.isFinite(gain) ? 1 : Math.min(gain, PEAK / peak);
}

/** Of an hour of music, ten minutes. */
function heardOf({ channels, sampleRate }: Audio): Audio {
  const length = channels[0]?.length ?? 0;
  const stretch = STRETCH_SECONDS * sampleRate;
  if (length <= STRETCHES * stretch) return { channels, sampleRate };
  const joined = (samples: Float32Array): Float32Array => {
    const heard = new Float32Array(STRETCHES * stretch);
    for (let n = 0; n < STRETCHES; n++) {
      const begin = Math.floor((n * (length - stretch)) / (STRETCHES - 1));
      heard.set(samples.subarray(begin, begin + stretch), n * stretch);
    }
    return heard;
  };
  return { channels: channels.map(joined), sampleRate };
}

function peakOf(samples: Float32Array): number {
  let peak = 0;
  for (const sample of samples) if (sample > peak || -sample > peak) peak = Math.abs(sample);
  return peak;
}

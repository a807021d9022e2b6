import type { DrumHit, Volume } from '../../../music/apu/codes.ts';
import { type Drum, DRUM_SOUNDS, ringFrames } from '../../../music/apu/drums.ts';
import type { Heard } from './heard.ts';

const FRAME_MS = 1000 / 12;
/** Of the chip's own level: what is fainter is no hit. */
const FAINT = 0.2;
/** What rings on is louder than expected by this where it is struck anew. */
const STRUCK = 1.2;
/** Of a frame's drums, what the next one is expected to hold at least: behind a hit less, so that rolls are heard; elsewhere more, so that steady noise is none. */
const LEAST_LEFT = { behindHit: 0.7, elsewhere: 0.9 } as const;
/** Hits in a row, one a frame. */
const LONGEST_ROLL = 4;
/** The synthesizer's, at volumes 0 to 3. */
const VOLUMES = [0.3, 0.5, 0.75, 1] as const;

/** Hits: where more of drums is heard than rings on from the frame before, of the drum that is most of it. */
export function hitsIn({ parts: frames, scale }: Heard): DrumHit[] {
  const hits: DrumHit[] = [];
  let ringing = 0;
  let roll = 0;
  for (const [at, parts] of frames.entries()) {
    const drums = parts.flatMap(({ atom: { sound, sum }, level }) => (sound.kind === 'drum' ? [{ drum: sound.drum, level: level / scale, mass: (level * sum) / scale }] : []));
    const mass = drums.reduce((total, part) => total + part.mass, 0);
    const [main] = drums.sort((a, b) => b.mass - a.mass);
    const isHit = main !== undefined && main.level >= FAINT && mass > STRUCK * ringing;
    roll = isHit ? roll + 1 : 0;
    const leastLeft = isHit && roll < LONGEST_ROLL ? LEAST_LEFT.behindHit : LEAST_LEFT.elsewhere;
    if (isHit) hits.push({ channel: 'noise', at, frames: ringFrames(main.drum), drum: main.drum, volume: volumeOf(main) });
    ringing = drums.reduce((total, part) => total + part.mass * Math.max(leastLeft, left(part.drum)), 0);
  }
  return hits;
}

/** Of a drum, what is left a frame later. */
function left(drum: Drum): number {
  const { decayMs, body } = DRUM_SOUNDS[drum];
  return Math.exp(-FRAME_MS / Math.max(decayMs, body?.decayMs ?? 0));
}

/** The nearest that the drum has. */
function volumeOf({ drum, level }: { readonly drum: Drum; readonly level: number }): Volume {
  const has: readonly number[] = drum === 'gust' ? VOLUMES.slice(0, 2) : VOLUMES;
  return has.reduce((best, volume, v) => (Math.abs(volume - level) < Math.abs(has[best]! - level) ? v : best), 0) as Volume;
}

import { CHANNELS, FRAME_RATE, HOLD, VOCABULARY } from '../../music/apu/codes.ts';
import { renderCodes, SAMPLE_RATE } from '../../music/apu/synthesizer.ts';
import type { Clip } from '../../music/clip.ts';
import type { Random } from '../../protocol/random.ts';

/** Sound that is no music: what a judge must not like, whatever is said of it. */
export const JUNK_KINDS = ['random codes', 'shuffled clip', 'white noise', 'silence', 'hum', 'held note'] as const;
export type JunkKind = (typeof JUNK_KINDS)[number];

/** How likely a random code is a hold: from a new sound in every frame to one in eight. */
const HOLD_SHARES = [0, 0.5, 0.75, 0.875] as const;
const HUM_HARMONICS = 5;

/**
 * Sound of a kind, as long as the clip; loudness, pitch and density are drawn.
 * @param clip with the synthesizer's codes; only a shuffled clip is made of them
 * @returns mono at 32 kHz, −1 … 1
 */
export function junkSound(kind: JunkKind, clip: Clip, random: Random): Float32Array {
  const length = Math.round((clip.frames * SAMPLE_RATE) / FRAME_RATE);
  switch (kind) {
    case 'random codes':
      return renderCodes(randomCodes(clip.frames, random));
    case 'shuffled clip':
      return renderCodes(shuffled(clip, random));
    case 'white noise':
      return whiteNoise(length, random);
    case 'silence':
      return new Float32Array(length);
    case 'hum':
      return hum(length, random);
    case 'held note':
      return renderCodes(heldNote(clip.frames, random));
  }
}

function randomCodes(frames: number, random: Random): Uint8Array {
  const share = random.pick(HOLD_SHARES);
  return Uint8Array.from({ length: CHANNELS.length * frames }, () => (random.chance(share) ? HOLD : random.int(VOCABULARY)));
}

/** The clip's frames in random order. */
function shuffled({ codes, numCodebooks, frames }: Clip, random: Random): Uint8Array {
  const order = random.shuffle(Array.from({ length: frames }, (_, t) => t));
  return Uint8Array.from({ length: numCodebooks * frames }, (_, i) => codes[Math.floor(i / frames) * frames + order[i % frames]!]!);
}

/** Up to 40 dB below full scale. */
function whiteNoise(length: number, random: Random): Float32Array {
  const amplitude = 10 ** (-2 * random.float());
  return Float32Array.from({ length }, () => amplitude * (2 * random.float() - 1));
}

/** A mains hum of 40 to 160 Hz, its harmonics falling as their number. */
function hum(length: number, random: Random): Float32Array {
  const amplitude = 0.4 * 10 ** (-1.5 * random.float());
  const radians = (2 * Math.PI * 40 * 4 ** random.float()) / SAMPLE_RATE;
  return Float32Array.from({ length }, (_, i) => {
    let sum = 0;
    for (let n = 1; n <= HUM_HARMONICS; n++) sum += Math.sin(n * radians * i) / n;
    return amplitude * sum;
  });
}

/** One note or hit of one channel, held to the end. */
function heldNote(frames: number, random: Random): Uint8Array {
  const codes = new Uint8Array(CHANNELS.length * frames);
  const channel = random.int(CHANNELS.length);
  codes.fill(HOLD, channel * frames, (channel + 1) * frames);
  codes[channel * frames] = HOLD + 1 + random.int(VOCABULARY - HOLD - 1);
  return codes;
}

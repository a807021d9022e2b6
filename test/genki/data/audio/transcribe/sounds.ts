import { SAMPLE_RATE } from '../../../../../genki/music/apu/synthesizer.ts';
import { Random } from '../../../../../genki/protocol/random.ts';

/** Sounds of so many seconds at 32 kHz that no chip makes. */
type Options = { readonly seconds: number; readonly seed: string };

const silence = (seconds: number): Float32Array => new Float32Array(Math.round(seconds * SAMPLE_RATE));
export const hertzOf = (midi: number): number => 440 * 2 ** ((midi - 69) / 12);

export const sine = (hertz: number, seconds: number): Float32Array => silence(seconds).map((_, i) => 0.3 * Math.sin((2 * Math.PI * hertz * i) / SAMPLE_RATE));

export function whiteNoise({ seconds, seed }: Options): Float32Array {
  const random = new Random(`white/${seed}`);
  return silence(seconds).map(() => 0.2 * random.normal());
}

/** By three leaky integrators, about −10 dB a decade. */
export function pinkNoise({ seconds, seed }: Options): Float32Array {
  const random = new Random(`pink/${seed}`);
  let [slow, middle, fast] = [0, 0, 0];
  return silence(seconds).map(() => {
    const white = random.normal();
    slow = 0.997 * slow + 0.03 * white;
    middle = 0.96 * middle + 0.1 * white;
    fast = 0.7 * fast + 0.3 * white;
    return 0.15 * (slow + middle + fast + 0.2 * white);
  });
}

/** Syllables of .1 to .3 s: pulses whose pitch glides, through three resonances that move; hisses and gaps between them. */
export function babble({ seconds, seed }: Options): Float32Array {
  const random = new Random(`babble/${seed}`);
  const sound = silence(seconds);
  for (let from = 0; from < sound.length; ) {
    const syllable = sound.subarray(from, from + Math.floor(SAMPLE_RATE * (0.1 + 0.2 * random.float())));
    const kind = random.float();
    if (kind < 0.25) syllable.forEach((_, i) => (syllable[i] = 0.05 * random.normal()));
    else if (kind > 0.4) vowel(syllable, random);
    from += syllable.length;
  }
  return sound;
}

function vowel(syllable: Float32Array, random: Random): void {
  const hertz = 90 + 120 * random.float();
  const glide = 0.4 * (random.float() - 0.5);
  const formants = [300 + 500 * random.float(), 900 + 1400 * random.float(), 2300 + 900 * random.float()];
  const past = formants.map(() => [0, 0]);
  let phase = 0;
  for (let i = 0; i < syllable.length; i++) {
    const t = i / syllable.length;
    phase += (hertz * (1 + glide * t)) / SAMPLE_RATE;
    const push = 0.02 * random.normal() + Math.floor(phase);
    phase %= 1;
    formants.forEach((formant, f) => {
      const radius = Math.exp((-Math.PI * (60 + 40 * f)) / SAMPLE_RATE);
      const [one, two] = past[f] as [number, number];
      const out = push + 2 * radius * Math.cos((2 * Math.PI * formant * (1 + 0.1 * t)) / SAMPLE_RATE) * one - radius ** 2 * two;
      past[f] = [out, one];
      syllable[i]! += ((6 * out * (1 - radius)) / (f + 1)) * Math.sqrt(Math.sin(Math.PI * t));
    });
  }
}

export type Plucked = { readonly midi: number; readonly at: number };

/** A voice for each lowest note: plucked strings, eight slightly stretched overtones that die away, at times in seconds. */
export function strings({ seconds, seed }: Options, lowest: readonly number[]): { readonly sound: Float32Array; readonly notes: readonly Plucked[] } {
  const random = new Random(`strings/${seed}`);
  const sound = silence(seconds);
  const notes: Plucked[] = [];
  for (const low of lowest) {
    for (let at = 0; at < seconds; at += random.pick([0.25, 0.5, 0.5, 1])) {
      const midi = low + random.pick([0, 2, 4, 5, 7, 9, 11]);
      notes.push({ midi, at });
      pluck(sound.subarray(Math.round(at * SAMPLE_RATE), Math.round((at + 0.6) * SAMPLE_RATE)), hertzOf(midi));
    }
  }
  return { sound, notes };
}

function pluck(into: Float32Array, hertz: number): void {
  for (let n = 1; n <= 8; n++) {
    const overtone = hertz * n * Math.sqrt(1 + 0.0003 * n * n);
    for (let i = 0; i < into.length; i++) into[i]! += (0.12 * Math.exp((-(1.5 + n) * i) / SAMPLE_RATE) * Math.sin((2 * Math.PI * overtone * i) / SAMPLE_RATE)) / n ** 1.2;
  }
}

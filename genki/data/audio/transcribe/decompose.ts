import type { Atom, Sound } from './dictionary.ts';
import { SPECTRUM_SIZE } from './spectra.ts';

/** A sound and how strong it is. */
export type Part = { readonly atom: Atom; readonly level: number };

/** Updates: of all sounds at once, of those that matter, of what is left without one of them, and with one in another's place. */
const ITERATIONS = { all: 10, few: 15, without: 4, exchange: 6 } as const;
/** Of a spectrum, what a sound must explain to matter. */
const LEAST_SHARE = 0.01;
/** Of a spectrum, what must be explained worse without a sound for it to be there. */
const WORTH = 0.008;
/** Sounds at once. */
const MOST = { pulse: 2, triangle: 1, drum: 2 } as const;
/** So many sounds, those that seem to be missed least, are tried without. */
const TRIED = 3;
/** So often a sound is given another's place. */
const ROUNDS = 4;
/** Of the highest entry: what is fainter need not be explained. */
const FLOOR = 4e-4;

/**
 * The sounds of a spectrum, no more than the chip has channels: levels whose sum is nearest to it by Kullback and
 * Leibler's divergence (Lee and Seung 2001, multiplicative updates, the dictionary being fixed). The sounds that are missed
 * least are taken away until the chip has the channels, others tried in the place of each, and what is not worth it left out.
 * @param spectrum not all 0
 */
export function decompose(spectrum: Float64Array, atoms: readonly Atom[]): readonly Part[] {
  const total = spectrum.reduce((sum, x) => sum + x, 0);
  const fit = new Fit(spectrum);
  const possible = atoms.filter((atom) => most(spectrum, atom) * atom.sum >= LEAST_SHARE * total);
  const even = possible.map((atom) => ({ atom, level: total / (possible.length * atom.sum) }));
  const matters = fit.refine(even, ITERATIONS.all).filter(({ atom, level }) => level * atom.sum >= LEAST_SHARE * total);
  let best = fit.fitted(matters, ITERATIONS.few);
  for (;;) {
    const tooMany = best.parts.filter((part) => isTooMany(best.parts, part));
    if (tooMany.length === 0) break;
    best = without(fit, best, tooMany);
  }
  best = exchanged(fit, best, { atoms, matters: matters.map(({ atom }) => atom), gain: WORTH * total });
  const simpler = octavesAsOne(fit, best, atoms);
  if (simpler !== undefined && simpler.divergence - best.divergence <= WORTH * total) best = simpler;
  while (best.parts.length > 0) {
    const rest = without(fit, best, best.parts);
    if (rest.divergence - best.divergence > WORTH * total) break;
    best = rest;
  }
  return best.parts;
}

/** The level at which a sound's strongest entries would be more than twice the spectrum's. */
function most(spectrum: Float64Array, { at, weights, peak }: Atom): number {
  let level = Infinity;
  for (let i = 0; i < at.length; i++) if (weights[i]! >= peak / 2) level = Math.min(level, (2 * spectrum[at[i]!]!) / weights[i]!);
  return level;
}

/** Without the one of some parts that is missed least. */
function without(fit: Fit, { parts }: Fitted, of: readonly Part[]): Fitted {
  return least(fit.missedLeast(parts, of).map((part) => fit.fitted(parts.filter((other) => other !== part), ITERATIONS.without)));
}

/** With other notes in the place of one, as long as that explains more. */
function exchanged(fit: Fit, first: Fitted, { atoms, matters, gain }: { readonly atoms: readonly Atom[]; readonly matters: readonly Atom[]; readonly gain: number }): Fitted {
  let best = first;
  for (let round = 0; round < ROUNDS; round++) {
    const there = new Set(best.parts.map(({ atom }) => atom));
    const tried = best.parts.filter(({ atom }) => atom.sound.kind !== 'drum').flatMap(({ atom }) =>
      atoms
        .filter((other) => !there.has(other) && other.sound.kind === atom.sound.kind && (isNear(other.sound, atom.sound) || matters.includes(other)))
        .map((other) => fit.fitted(best.parts.map((part) => (part.atom === atom ? { atom: other, level: (part.level * atom.sum) / other.sum } : part)), ITERATIONS.exchange)),
    );
    const next = least([best, ...tried]);
    if (next.divergence > best.divergence - gain) break;
    best = next;
  }
  return best;
}

/** A thin pulse is a square and another an octave higher, nearly: in place of two, one. */
function octavesAsOne(fit: Fit, { parts }: Fitted, atoms: readonly Atom[]): Fitted | undefined {
  const pulses = parts.flatMap(({ atom: { sound } }) => (sound.kind === 'pulse' ? [sound] : []));
  const lower = pulses.find(({ midi }) => pulses.some((other) => other.midi === midi + 12));
  if (lower === undefined) return undefined;
  const level = Math.max(...parts.map((part) => part.level));
  const others = parts.filter(({ atom: { sound } }) => sound.kind !== 'pulse');
  return least(atoms.filter(({ sound }) => sound.kind === 'pulse' && sound.midi === lower.midi).map((atom) => fit.fitted([...others, { atom, level }], ITERATIONS.few)));
}

/** What is easily taken for each other. */
function isNear(a: Sound, b: Sound): boolean {
  if (a.kind === 'drum' || b.kind === 'drum') return false;
  return [0, 12].includes(Math.abs(a.midi - b.midi)) || (a.kind === 'triangle' && Math.abs(a.midi - b.midi) === 1);
}

const isTooMany = (parts: readonly Part[], { atom: { sound } }: Part): boolean => parts.filter(({ atom }) => atom.sound.kind === sound.kind).length > MOST[sound.kind];

type Fitted = { readonly parts: readonly Part[]; readonly divergence: number };
const least = (fits: readonly Fitted[]): Fitted => fits.reduce((best, fit) => (fit.divergence < best.divergence ? fit : best));

/** How sounds add up to a spectrum. */
class Fit {
  readonly #spectrum: Float64Array;
  readonly #floor: number;
  readonly #model = new Float64Array(SPECTRUM_SIZE);
  readonly #ratio = new Float64Array(SPECTRUM_SIZE);

  constructor(spectrum: Float64Array) {
    this.#spectrum = spectrum;
    this.#floor = FLOOR * spectrum.reduce((most, x) => Math.max(most, x), 0);
  }

  refine(parts: readonly Part[], iterations: number): Part[] {
    const levels = Float64Array.from(parts, ({ level }) => level);
    const ratio = this.#ratio;
    for (let n = 0; n < iterations; n++) {
      this.#play(parts, levels);
      for (let i = 0; i < ratio.length; i++) ratio[i] = this.#spectrum[i]! / this.#model[i]!;
      for (let p = 0; p < parts.length; p++) {
        const { at, weights, sum } = parts[p]!.atom;
        let mean = 0;
        for (let i = 0; i < at.length; i++) mean += weights[i]! * ratio[at[i]!]!;
        levels[p]! *= mean / sum;
      }
    }
    return parts.map(({ atom }, p) => ({ atom, level: levels[p]! }));
  }

  fitted(parts: readonly Part[], iterations: number): Fitted {
    const refined = this.refine(parts, iterations);
    this.#play(refined, Float64Array.from(refined, ({ level }) => level));
    let sum = 0;
    for (let i = 0; i < SPECTRUM_SIZE; i++) {
      const x = this.#spectrum[i]!;
      sum += this.#model[i]! - x + (x === 0 ? 0 : x * Math.log(x / this.#model[i]!));
    }
    return { parts: refined, divergence: sum };
  }

  /** Those of some parts without which the others, as strong as they are, explain most. */
  missedLeast(parts: readonly Part[], of: readonly Part[]): readonly Part[] {
    if (of.length <= TRIED) return of;
    this.#play(parts, Float64Array.from(parts, ({ level }) => level));
    return of
      .map((part) => ({ part, missed: this.#missed(part) }))
      .sort((a, b) => a.missed - b.missed)
      .slice(0, TRIED)
      .map(({ part }) => part);
  }

  #missed({ atom: { at, weights }, level }: Part): number {
    let missed = 0;
    for (let i = 0; i < at.length; i++) {
      const model = this.#model[at[i]!]!;
      const part = level * weights[i]!;
      missed += this.#spectrum[at[i]!]! * Math.log(model / Math.max(this.#floor, model - part)) - part;
    }
    return missed;
  }

  #play(parts: readonly Part[], levels: Float64Array): void {
    const model = this.#model.fill(this.#floor);
    for (let p = 0; p < parts.length; p++) {
      const { at, weights } = parts[p]!.atom;
      const level = levels[p]!;
      for (let i = 0; i < at.length; i++) model[at[i]!]! += level * weights[i]!;
    }
  }
}

import type { Key } from '../harmony.ts';

/** How well each degree from the tonic fits (Krumhansl and Kessler 1982). */
const PROFILES = {
  major: [6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88],
  minor: [6.33, 2.68, 3.52, 5.38, 2.6, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17],
} as const;
/** Below this correlation no key is named. */
const CLEAR = 0.6;

/**
 * The key whose profile correlates best with how long each pitch class sounds (Krumhansl and Schmuckler), major or
 * minor; undefined when none fits well.
 */
export function keyOf(notes: readonly { readonly midi: number; readonly frames: number }[]): Key | undefined {
  const sounding = new Float64Array(12);
  for (const { midi, frames } of notes) sounding[midi % 12]! += frames;
  let best: { key: Key; fit: number } | undefined;
  for (const mode of ['major', 'minor'] as const) {
    for (let tonic = 0; tonic < 12; tonic++) {
      const fit = correlation(PROFILES[mode], PROFILES[mode].map((_, degree) => sounding[(tonic + degree) % 12]!));
      if (fit > (best?.fit ?? CLEAR)) best = { key: { tonic, mode }, fit };
    }
  }
  return best?.key;
}

/** NaN when one of them is constant. */
function correlation(x: readonly number[], y: readonly number[]): number {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [mx, my] = [mean(x), mean(y)];
  const sum = (of: (i: number) => number): number => x.reduce((total, _, i) => total + of(i), 0);
  return sum((i) => (x[i]! - mx) * (y[i]! - my)) / Math.sqrt(sum((i) => (x[i]! - mx) ** 2) * sum((i) => (y[i]! - my) ** 2));
}

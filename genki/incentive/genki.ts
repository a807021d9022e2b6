import { known, type Measurement, type Policy } from './policy.ts';
import { withDefaults } from './policy-parameters.ts';
import { softmax, TEMPERATURES } from './softmax.ts';

export const genkiParameters = {
  temperature: { meaning: 'Of the softmax that turns scores into weights.', default: 0.01, ...TEMPERATURES },
  leastQuality: { meaning: 'Anchored quality that has to be exceeded: noise has 0, the music of the data 1.', default: 0.1, least: 0, most: 1 },
  leastCosine: { meaning: 'Cosine with the captions that has to be exceeded where no quality is anchored; noise reaches .05 to .1 with LAION-CLAP.', default: 0.1, least: 0, most: 1 },
} as const;

/**
 * Pays for sounding good and unlike the others (late Genki-Dama): the softmax of `genkiScores` over those heard. Who is
 * heard alone gets 1.
 */
export const genki: Policy = (measurements, given) => {
  const { temperature, ...floor } = withDefaults(genkiParameters, given);
  return softmax(genkiScores(measurements, floor), temperature);
};

/**
 * f = (s' + q') / 2 of each measurement.
 *
 * 1. Heard is who was accepted and whose quality exceeds the floor: noise is unlike everybody, and earns nothing by it.
 * 2. q is the cosine with the captions, not below 0; s the distance to the others. Both are brought to [0, 1] by the
 *    smallest and the largest among the heard; where these are one number all have .5.
 * 3. A distance that is missing, not finite or negative counts as the smallest.
 *
 * @returns shape [measurements], in [0, 1]; undefined for who is not heard
 */
export function genkiScores(measurements: readonly Measurement[], { leastQuality, leastCosine }: { readonly leastQuality: number; readonly leastCosine: number }): (number | undefined)[] {
  const anchored = measurements.some(({ quality }) => quality !== undefined);
  const exceedsFloor = ({ quality, cosine }: Measurement): boolean => (anchored ? known(quality, 0) > leastQuality : known(cosine, 0) > leastCosine);
  const heard = measurements.map((one) => one.accepted && Number.isFinite(one.cosine) && exceedsFloor(one));
  const quality = spread(measurements.map(({ cosine }, i) => (heard[i] ? Math.max(0, cosine!) : undefined)));
  const diversity = spread(measurements.map(({ distance }, i) => (heard[i] && known(distance, -1) >= 0 ? distance : undefined)));
  return heard.map((isHeard, i) => (isHeard ? (diversity[i]! + quality[i]!) / 2 : undefined));
}

/** (x − min) / (max − min); .5 for all where these are one number, or none is known; 0 for an unknown one among known ones. */
function spread(values: readonly (number | undefined)[]): number[] {
  const numbers = values.filter((value) => value !== undefined);
  if (numbers.length === 0) return values.map(() => 0.5);
  const [least, most] = [Math.min(...numbers), Math.max(...numbers)];
  return values.map((value) => (value === undefined ? 0 : most === least ? 0.5 : (value - least) / (most - least)));
}

import { InvalidInput } from '../errors.ts';
import { anchored, type Anchors } from './anchors.ts';
import { type Distances, frechetDistances } from './frechet-distances.ts';
import { type Embeddings, fitGaussian, type Gaussian } from './gaussian.ts';

/** How far a miner's outputs lie from those of its company: the accepted miners other than itself. */
export type Diversity = {
  /** Mean Fréchet distance to the company; null where there is none. */
  readonly distance: number | null;
  /** Between the anchors, 0 … 1; 1 without company, since nothing is like it. */
  readonly anchored: number;
};

export type Company = {
  /** Indices of the miners who passed every gate. Only these are company, so that handing in junk moves nobody else. */
  readonly accepted: readonly number[];
  /** Distances, 0 ≤ floor < ceiling, for one number of windows: the distance falls as that grows. */
  readonly anchors: Anchors;
};

/**
 * The diversity of each miner (protocol §3.13): what is not accepted is measured as well, for the record.
 *
 * @param heard of each miner the windows of all its clips for the same captions: shape [miners][n][d]
 * @returns by miner
 * @throws {InvalidInput} naming the miner whose windows are fewer, more, of another width or not finite; or for anchors that
 *   are none
 */
export function diversities({ heard, ...company }: Company & { readonly heard: readonly Embeddings[] }): Diversity[] {
  checkCompany(company, heard.length);
  return diversitiesAt(frechetDistances(gaussiansOf(heard)), company);
}

/**
 * What each miner's windows are measured by: to be fitted once, then compared as often as need be.
 * @throws {InvalidInput} as `diversities`
 */
export function gaussiansOf(heard: readonly Embeddings[]): Gaussian[] {
  const [first] = heard;
  return heard.map((windows, miner) => {
    if (windows.length !== first!.length) throw new InvalidInput(`Expected ${first!.length} windows of miner ${miner}, as of miner 0, got ${windows.length}`);
    const fitted = fitGaussian(windows, `miner ${miner}`);
    const [width, got] = [first![0]!.length, fitted.mean.length];
    if (got !== width) throw new InvalidInput(`Expected ${width} dimensions of miner ${miner}, as of miner 0, got ${got}`);
    return fitted;
  });
}

/**
 * `diversities` where the distances are there already.
 * @throws {InvalidInput} for anchors that are none
 */
export function diversitiesAt(distances: Distances, company: Company): Diversity[] {
  checkCompany(company, distances.length);
  return distances.map((row, miner) => {
    const others = company.accepted.filter((other) => other !== miner);
    if (others.length === 0) return { distance: null, anchored: 1 };
    const distance = others.reduce((sum, other) => sum + row[other]! / others.length, 0);
    return { distance, anchored: anchored(distance, company.anchors) };
  });
}

function checkCompany({ accepted, anchors: { floor, ceiling } }: Company, miners: number): void {
  const fit = floor >= 0 && ceiling > floor && Number.isFinite(ceiling);
  if (!fit) throw new InvalidInput(`Expected anchors with 0 <= floor < ceiling, got floor ${floor} and ceiling ${ceiling}`);
  const unknown = accepted.find((miner) => !Number.isInteger(miner) || miner < 0 || miner >= miners);
  if (unknown !== undefined) throw new RangeError(`Expected accepted miners of 0 to ${miners - 1}, got ${unknown}`);
  if (new Set(accepted).size !== accepted.length) throw new RangeError(`Expected each accepted miner once, got ${accepted.join(', ')}`);
}

import type { Engine, Executable } from '../engine/engine.ts';
import type { LanguageConfig } from './config.ts';
import { disposeAll, type Feeds } from './feeds.ts';
import { cacheNames } from './generation-programs.ts';

/**
 * How many recent positions settle together, at least. They are copied at every step and all others when they settle:
 * of P positions that costs least with √2P.
 */
const LEAST = 16;

export type CacheOf = { readonly config: LanguageConfig; readonly rows: number };

/** The keys and values of the positions so far: those that have settled, which a step only reads, and the recent ones. */
export class KeyValueCache {
  readonly #settle: Executable;
  readonly #empty: (kind: 'settled' | 'recent') => Feeds;
  #settled: Feeds;
  #recent: Feeds;

  /** @param settle the compiled `settleProgram` */
  constructor(engine: Engine, settle: Executable, of: CacheOf) {
    this.#settle = settle;
    this.#empty = (kind) => emptyCache(engine, kind, of);
    this.#settled = this.#empty('settled');
    this.#recent = this.#empty('recent');
  }

  get feeds(): Feeds {
    return { ...this.#settled, ...this.#recent };
  }

  /** How many positions are recent. */
  get recent(): number {
    return lengthOf(this.#recent);
  }

  /** @param present what `composeProgram` gives: the recent positions and those after them; the cache's from here on */
  async take(present: Feeds): Promise<void> {
    disposeAll(this.#recent);
    this.#recent = Object.fromEntries(Object.entries(present).map(([name, tensor]) => [name.replace('present', 'recent'), tensor]));
    if (this.recent < Math.max(LEAST, Math.sqrt(2 * lengthOf(this.#settled)))) return;
    const settled = await this.#settle.run(this.feeds);
    this.dispose();
    this.#settled = settled;
    this.#recent = this.#empty('recent');
  }

  dispose(): void {
    disposeAll(this.#settled);
    disposeAll(this.#recent);
  }
}

const lengthOf = (cache: Feeds): number => Object.values(cache)[0]!.shape[2]!;

/** What one row of a clip keeps of so many positions, all layers together. */
export const cacheBytes = ({ decoder }: LanguageConfig, positions: number): number => Float32Array.BYTES_PER_ELEMENT * 2 * decoder.numLayers * decoder.hiddenSize * positions;

function emptyCache(engine: Engine, kind: 'settled' | 'recent', { config, rows }: CacheOf): Feeds {
  const { numHeads, hiddenSize } = config.decoder;
  const names = cacheNames(config, kind).flatMap(({ keys, values }) => [keys, values]);
  return Object.fromEntries(names.map((name) => [name, engine.tensor(new Float32Array(0), [rows, numHeads, 0, hiddenSize / numHeads])]));
}

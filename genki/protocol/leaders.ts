import type { Hotkey, Metagraph } from '../chain/chain.ts';
import { Random } from './random.ts';
import { seedOf, type SeedSource } from './seeds.ts';
import { seedBlocksOf } from './window.ts';

/** The blocks that decide who leads a window: its first one and the k after it. */
export const leaderBlocks = (firstBlock: number, seedBlocks: number): number[] => seedBlocksOf(firstBlock, seedBlocks);

/** The seed of a window's leaders, from the hashes of `leaderBlocks`. */
export const leaderSeed = (source: SeedSource, window: number): string => seedOf(source, `leaders/${window}`);

/**
 * The order in which validators may close a window: drawn by stake, without putting back.
 *
 * 1. Those with a validator permit, in the order of their addresses (ASCII). The generator is `Random`, from the seed's text.
 * 2. Each draw takes four words of 32 bits, the first being the highest, as one number of 128 bits, modulo the stake of all
 *    that are left. Who holds this point, counted up in their order, is next.
 * 3. Those without stake come last, in their order, and nothing is drawn for them.
 *
 * @param metagraph at the first block of the window
 * @param seed of `leaderSeed`
 */
export function leadersOf({ neurons }: Pick<Metagraph, 'neurons'>, seed: string): Hotkey[] {
  const random = new Random(seed);
  const left = neurons.flatMap(({ hotkey, stake, validatorPermit }) => (validatorPermit ? [{ hotkey, stake: BigInt(stake) }] : [])).sort((a, b) => (a.hotkey < b.hotkey ? -1 : 1));
  const order: Hotkey[] = [];
  let total = left.reduce((sum, { stake }) => sum + stake, 0n);
  while (total > 0n) {
    let point = word128(random) % total;
    const at = left.findIndex(({ stake }) => (point -= stake) < 0n);
    const [next] = left.splice(at, 1);
    order.push(next!.hotkey);
    total -= next!.stake;
  }
  return [...order, ...left.map(({ hotkey }) => hotkey)];
}

const word128 = (random: Random): bigint => Array.from({ length: 4 }).reduce<bigint>((bits) => (bits << 32n) | BigInt(random.next()), 0n);

import type { BlockRef, Chain, Hotkey, Metagraph } from '../genki/chain/chain.ts';
import { leaderBlocks, leaderSeed, leadersOf } from '../genki/protocol/leaders.ts';
import { turnOf, type WindowSchedule } from '../genki/protocol/window.ts';
import { scheduleOf, windowTimingOf } from './delta-competition.ts';
import type { Deployment } from './deployment.ts';

/** Who may close a window, one after the other, and who may take part in it. */
export type Line = { readonly window: number; readonly schedule: WindowSchedule; readonly leaders: readonly Hotkey[]; /** at the window's first block */ readonly metagraph: Metagraph };

/**
 * The line of a window: as many validators as have a turn, in the order that the chain draws.
 * @throws {ChainUnavailable} while the blocks that it is drawn from are not final
 */
export async function lineOf({ chain, deployment }: { readonly chain: Chain; readonly deployment: Deployment }, window: number): Promise<Line> {
  const { competition, competitionDigest } = deployment;
  const schedule = scheduleOf(competition, window);
  const blockHashes = await Promise.all(leaderBlocks(schedule.first, competition.timing.seedBlocks).map((block) => chain.blockHash(block)));
  const metagraph = await chain.metagraph(competition.netuid, blockHashes[0]!);
  const order = leadersOf(metagraph, leaderSeed({ blockHashes, competition: competitionDigest }, window));
  return { window, schedule, leaders: order.slice(0, schedule.turns), metagraph };
}

/** Who may take part in a window, and since when each is registered: those that were when it began, other than validators and the owner. */
export const minersOf = ({ metagraph: { neurons, owner } }: Pick<Line, 'metagraph'>): ReadonlyMap<Hotkey, number> =>
  new Map(neurons.flatMap(({ hotkey, registeredAt, validatorPermit }) => (validatorPermit || hotkey === owner ? [] : [[hotkey, registeredAt] as const])));

/** Whose turn it is at a head, and until which block it is that one's alone; before the first turn, the first one's. */
export function turnAt({ competition }: Deployment, { schedule, leaders }: Line, head: Pick<BlockRef, 'number'>): { readonly leader: Hotkey | null; readonly untilBlock: number } {
  const timing = windowTimingOf(competition);
  const begun = leaders.findLastIndex((_, rank) => turnOf(schedule, rank, timing) <= head.number);
  const rank = Math.max(0, begun);
  const isLast = rank >= leaders.length - 1;
  return { leader: leaders[rank] ?? null, untilBlock: isLast ? schedule.over : turnOf(schedule, rank + 1, timing) };
}

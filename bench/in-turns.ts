/** Does the work some times and says how long each took. */
export type Side = (times: number) => Promise<readonly number[]>;

export type Turns = {
  readonly turns: number;
  /** How often a side does its work in one turn. */
  readonly each: number;
  /** Told when the times are no good. */
  readonly note: (line: string) => void;
};

/** On an idle machine the median is within a tenth of the fastest time. */
const UNSTEADY = 1.4;

/** The medians of two sides that take turns, A B A B …, so that whatever else the machine does meets both. */
export async function inTurns(sides: { ours: Side; peer: Side | undefined }, { turns, each, note }: Turns): Promise<{ ours: number; peer: number | null }> {
  const ours: number[] = [];
  const peer: number[] = [];
  for (let turn = 0; turn < turns; turn++) {
    ours.push(...(await sides.ours(each)));
    if (sides.peer !== undefined) peer.push(...(await sides.peer(each)));
  }
  for (const [whose, times] of [['Our', ours], ['The peer\'s', peer]] as const) {
    if (times.length === 0) continue;
    const spread = median(times) / Math.min(...times);
    // threads that wait for each other by spinning, as PyTorch's, lose many times more to a busy machine than ours
    if (spread > UNSTEADY) note(`${whose} median is ${spread.toFixed(1)} times the fastest: the machine was busy, do not trust this ratio.`);
  }
  return { ours: median(ours), peer: peer.length === 0 ? null : median(peer) };
}

/** Milliseconds of each of some runs. */
export async function timed(times: number, work: () => Promise<unknown>): Promise<number[]> {
  const took: number[] = [];
  for (let i = 0; i < times; i++) {
    const started = performance.now();
    await work();
    took.push(performance.now() - started);
  }
  return took;
}

/** The middle one; of an even number, the mean of the middle two. */
export function median(values: readonly number[]): number {
  const rising = values.toSorted((a, b) => a - b);
  const upper = Math.floor(rising.length / 2);
  return rising.length % 2 === 1 ? rising[upper]! : (rising[upper - 1]! + rising[upper]!) / 2;
}

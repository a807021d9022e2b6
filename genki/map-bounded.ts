/**
 * Results of `task` for each item, in the items' order, with at most `limit` under way at once.
 * Deterministic under replay: a lane takes its next item only when a recorded result has come in.
 */
export async function mapBounded<In, Out>(items: readonly In[], limit: number, task: (item: In, index: number) => Promise<Out>): Promise<Out[]> {
  const results = new Array<Out>(items.length);
  const pending = items.entries();
  const lane = async (): Promise<void> => {
    for (const [index, item] of pending) results[index] = await task(item, index);
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, lane));
  return results;
}

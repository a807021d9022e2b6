/** Results of a task for each item, in the items' order, with at most `limit` under way at once. */
export async function inTurns<In, Out>(items: readonly In[], limit: number, task: (item: In) => Promise<Out>): Promise<Out[]> {
  const results = new Array<Out>(items.length);
  const pending = items.entries();
  const lane = async (): Promise<void> => {
    for (const [index, item] of pending) results[index] = await task(item);
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, lane));
  return results;
}

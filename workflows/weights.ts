/** Shares as the chain takes them: the largest is 65535, so that the stored row equals what was sent. */
export function toU16(weights: readonly { readonly hotkey: string; readonly weight: number }[]): { hotkey: string; weight: number }[] {
  const largest = Math.max(0, ...weights.map(({ weight }) => weight));
  if (!(largest > 0)) return [];
  return weights.map(({ hotkey, weight }) => ({ hotkey, weight: Math.round((weight / largest) * 65_535) })).filter(({ weight }) => weight > 0);
}

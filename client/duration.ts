const UNITS = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 } as const;

/** Milliseconds of `90s`, `5m` or `1h 30m`; undefined for what is none. */
export function parseDuration(text: string): number | undefined {
  const parts = [...text.trim().matchAll(/(\d{1,9})\s*(d|h|ms|m|s)\s*/gy)];
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text.trim()) return undefined;
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * UNITS[unit as keyof typeof UNITS], 0);
}

/** `1h 30m` */
export function durationText(ms: number): string {
  const parts: string[] = [];
  let left = Math.round(ms);
  for (const [unit, length] of Object.entries(UNITS)) {
    if (left >= length) parts.push(`${Math.floor(left / length)}${unit}`);
    left %= length;
  }
  return parts.join(' ') || '0s';
}

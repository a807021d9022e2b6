/** A place where a report says one thing and whoever computes it again another. */
export type Difference = { readonly where: string; readonly reported: unknown; readonly computed: unknown };

/** Values held against each other: how many, and those that differ. */
export type Comparison = { readonly compared: number; readonly differences: readonly Difference[] };

/**
 * Compares two JSON values leaf by leaf.
 * @param within numbers may be that far apart; by default they are the same doubles
 * @returns places named as `miners[3] (5FHneW46…): contribution.mean`
 */
export function compare(reported: unknown, computed: unknown, { within = 0, where = '' }: { readonly within?: number; readonly where?: string } = {}): Comparison {
  const pairs = membersOf(reported, computed);
  if (!pairs) return { compared: 1, differences: isSame(reported, computed, within) ? [] : [{ where, reported, computed }] };
  const found = pairs.map(([name, a, b]) => compare(a, b, { within, where: placeOf(where, name, a ?? b) }));
  return { compared: found.reduce((sum, one) => sum + one.compared, 0), differences: found.flatMap(({ differences }) => differences) };
}

/** `contribution.mean is 0.1, the coalition values give 0.097` */
export const textOf = ({ where, reported, computed }: Difference, by: string): string => `${where} is ${shown(reported)}, ${by} ${shown(computed)}`;

/** A miner by its place in the report, and by its hotkey. */
export const minerAt = (index: number, { hotkey }: { readonly hotkey: string }): string => `miners[${index}] (${hotkey.slice(0, 8)}…)`;

/** undefined where one of the two has no members */
function membersOf(a: unknown, b: unknown): [string | number, unknown, unknown][] | undefined {
  if (Array.isArray(a) && Array.isArray(b)) return Array.from({ length: Math.max(a.length, b.length) }, (_, i) => [i, a[i], b[i]]);
  if (!isRecord(a) || !isRecord(b)) return undefined;
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].map((key) => [key, a[key], b[key]]);
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

const isSame = (a: unknown, b: unknown, within: number): boolean => a === b || (typeof a === 'number' && typeof b === 'number' && Math.abs(a - b) <= within);

function placeOf(where: string, name: string | number, member: unknown): string {
  if (typeof name === 'string') return where === '' || where.endsWith(': ') ? `${where}${name}` : `${where}.${name}`;
  const place = `${where}[${name}]`;
  return isRecord(member) && typeof member.hotkey === 'string' ? `${place} (${member.hotkey.slice(0, 8)}…): ` : place;
}

const MAX_SHOWN = 120;

function shown(value: unknown): string {
  if (value === undefined) return 'missing';
  const text = JSON.stringify(value);
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}

/** Text of a participant as it is, whatever it says: code in which nothing is a link, a tag or the end of a table's cell. */
export const literal = (text: string): string => `\`${text.replace(/[\s`|]+/g, (found) => (found.includes('`') ? "'" : found.includes('|') ? '/' : ' ')).trim() || ' '}\``;

/** Rows of two columns; those without a value are left out. */
export function factTable(rows: readonly (readonly [string, string | undefined])[]): string[] {
  const known = rows.flatMap(([name, value]) => (value === undefined ? [] : [`| ${name} | ${value} |`]));
  return known.length === 0 ? [] : ['| | |', '|---|---|', ...known];
}

export const table = (header: readonly string[], rows: readonly (readonly string[])[]): string[] =>
  rows.length === 0 ? [] : [`| ${header.join(' | ')} |`, `|${header.map(() => '---|').join('')}`, ...rows.map((cells) => `| ${cells.join(' | ')} |`)];

/** `1 234 567` */
export const grouped = (count: number): string => String(count).replace(/\B(?=(\d{3})+$)/g, ' ');

/** The first characters of a hotkey or hash. */
export const short = (text: string, length: number): string => (text.length > length ? `${text.slice(0, length)}…` : text);

/** A page of these lines, and a blank one, since the Web UI cuts off the last. */
export const pageOf = (lines: readonly string[]): string => [...lines, '', '\u00a0'].join('\n');

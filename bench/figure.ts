/** A number that the project claims, beside what somebody else needs for the same work. */
export type Figure = {
  readonly name: string;
  /** Less is better. */
  readonly unit: string;
  readonly ours: number;
  /** None where the peer is not installed. */
  readonly peer: number | null;
  readonly peerName: string;
  /** Ours over the peer's. */
  readonly ratio: number | null;
};

export const figureOf = (of: Omit<Figure, 'ratio'>): Figure => ({ ...of, ratio: of.peer === null ? null : of.ours / of.peer });

/** One line of JSON, its numbers to six digits: a clock tells no more. */
export function jsonLine({ name, unit, ours, peer, peerName, ratio }: Figure): string {
  const digits = (value: number | null): number | null => (value === null ? null : Number(value.toPrecision(6)));
  return JSON.stringify({ name, unit, ours: digits(ours), peer: digits(peer), peerName, ratio: digits(ratio) });
}

/** Figures as lines to read, each with its names. */
export function tableLines(figures: readonly Figure[]): string[] {
  const number = (value: number | null): string => (value === null ? '–' : value.toPrecision(3));
  const rows = [
    ['', 'ours', 'peer', 'ratio', 'unit', 'peer is'],
    ...figures.map(({ name, unit, ours, peer, peerName, ratio }) => [name, number(ours), number(peer), number(ratio), unit, peerName]),
  ];
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const isNumber = (column: number): boolean => column >= 1 && column <= 3;
  return rows.map((row) => row.map((cell, column) => (isNumber(column) ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!))).join('  ').trimEnd());
}

import { styleText } from 'node:util';
import logUpdate from 'log-update';

/** Lines that stay, and below them lines that change; without a terminal only the ones that stay. */
export class Screen {
  readonly #isLive: boolean;
  readonly #out: NodeJS.WriteStream;

  constructor(out: NodeJS.WriteStream, isQuiet: boolean) {
    this.#out = out;
    this.#isLive = out.isTTY === true && !isQuiet;
  }

  get isLive(): boolean {
    return this.#isLive;
  }

  say(line: string): void {
    if (this.#isLive) logUpdate.clear();
    this.#out.write(`${line}\n`);
  }

  live(lines: readonly string[]): void {
    if (this.#isLive) logUpdate(lines.join('\n'));
  }

  done(): void {
    if (this.#isLive) logUpdate.clear();
  }
}

/** `██████░░░░` */
export function bar(share: number, width = 20): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * width);
  return '█'.repeat(full) + '░'.repeat(width - full);
}

export const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
export const bold = (text: string): string => styleText('bold', text);
export const dim = (text: string): string => styleText('dim', text);

/** Columns as wide as their widest cell; numbers to the right. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = header.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const isNumeric = header.map((_, i) => rows.every((row) => /^[-+]?[\d.]*%?$|^–$/.test(row[i] ?? '')));
  const line = (cells: readonly string[]): string => cells.map((cell, i) => (isNumeric[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!))).join('  ').trimEnd();
  return [bold(line(header)), ...rows.map(line)];
}

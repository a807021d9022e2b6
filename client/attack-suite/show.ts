import { table } from '../first-light/screen.ts';
import type { Line } from './suite.ts';

const WIDTH = 40;

/** A block of the table: attacks by policies, each cell what was captured and by how much the honest moved. */
export function showTable(lines: readonly Line[]): string[] {
  const attacks = [...new Set(lines.map(({ attack }) => attack))];
  const policies = [...new Set(lines.map(({ policy }) => policy))];
  const rows = attacks.map((attack) => {
    const of = lines.filter((line) => line.attack === attack);
    const cells = policies.map((policy) => cell(of.find((line) => line.policy === policy)));
    return [attack, ...cells, of[0]!.verdict, short(of[0]!.reason)];
  });
  return table(['captured / honest change', ...policies, 'verdict', 'why'], rows);
}

const cell = (line: Line | undefined): string => (line ? `${number(line.captured)} / ${number(line.honestChange)}` : '');

/** To a thousandth, and 0 for what is less. */
function number(value: number): string {
  const text = value.toFixed(3);
  return Number(text) === 0 ? '0' : text;
}

const short = (text: string): string => (text.length > WIDTH ? `${text.slice(0, WIDTH - 1)}…` : text);

/** One line of JSON, its numbers to six digits. */
export function jsonLine({ attack, policy, captured, honestChange, seconds, verdict, reason }: Line): string {
  const digits = (value: number): number => Number(value.toPrecision(6));
  return JSON.stringify({ attack, policy, captured: digits(captured), honestChange: digits(honestChange), seconds: digits(seconds), verdict, reason });
}

import { aggregate } from '../../federation/aggregation/aggregate.ts';
import { breakdown } from '../../federation/aggregation/breakdown.ts';
import type { Aggregation } from '../../protocol/exchange.ts';
import { Random } from '../../protocol/random.ts';
import { apart, meanOf, spreadOf } from './spread.ts';
import { WINDOW_ATTACKS } from './window-attacks.ts';

/** Shares of faulty peers. */
export const SHARES = [0.1, 0.2, 0.3, 0.4, 0.45];
const PEERS = 20;
const VALUES = 256;

/** Each rule, told how many peers are faulty as far as its schema takes that. */
export const RULES: Readonly<Record<string, (share: number) => Aggregation>> = {
  mean: () => ({ rule: { kind: 'mean' } }),
  'trimmed mean': (share) => ({ rule: { kind: 'trimmed-mean', trim: share } }),
  'coordinate median': () => ({ rule: { kind: 'coordinate-median' } }),
  'geometric median': () => ({ rule: { kind: 'geometric-median' } }),
  Krum: (share) => ({ rule: { kind: 'krum', faulty: share } }),
  'multi-Krum': (share) => ({ rule: { kind: 'multi-krum', faulty: share } }),
  Bulyan: (share) => ({ rule: { kind: 'bulyan', faulty: Math.min(0.24, share) } }),
  // twice the length of an honest update: the mean's and the spread's are equal here
  'centred clipping': () => ({ rule: { kind: 'centred-clipping', radius: 2 * Math.sqrt(2 * VALUES), iterations: 10 } }),
};

/** One attack on one rule. */
export type Broken = {
  readonly rule: string;
  readonly attack: string;
  readonly mixing: boolean;
  readonly peers: number;
  readonly faulty: number;
  /** How many faulty ones the rule is said to survive. */
  readonly survives: number;
  /** Of the aggregate to the honest mean, in honest standard deviations. */
  readonly distance: number;
};

/** Honest updates as in the table: what all have learned, and as much again that is each one's own. */
export function honestUpdates(count: number, seed: string, values = VALUES): Float32Array[] {
  const random = new Random(`honest/${seed}`);
  const common = Float32Array.from({ length: values }, () => random.normal());
  return Array.from({ length: count }, () => common.map((value) => value + random.normal()));
}

/** What each attack does to each rule, alone and behind mixing, at each share of faulty peers among twenty. */
export function breakdownTable(seed = 'table'): Broken[] {
  return SHARES.flatMap((share) => {
    const faulty = Math.round(share * PEERS);
    const honest = honestUpdates(PEERS - faulty, seed);
    const [mean, spread] = [meanOf(honest), spreadOf(honest)];
    return Object.entries(WINDOW_ATTACKS).flatMap(([attack, made]) => {
      const updates = new Random(`order/${seed}`).shuffle([...honest, ...made(honest, faulty, seed)]);
      return Object.entries(RULES).flatMap(([rule, specOf]) =>
        [false, true].map((mixing): Broken => {
          const spec: Aggregation = { ...specOf(share), ...(mixing && { mixing: share }) };
          return { rule, attack, mixing, peers: PEERS, faulty, survives: breakdown(spec, PEERS), distance: apart(aggregate(spec, updates), mean) / spread };
        }),
      );
    });
  });
}

/** The table as Markdown: for each rule and share the attack that gets farthest, in brackets where the rule does not claim to survive so many. */
export function breakdownLines(results: readonly Broken[] = breakdownTable()): string[] {
  const rows = Object.keys(RULES).flatMap((rule) => [false, true].map((mixing) => {
    const cells = SHARES.map((share) => cellOf(results.filter((result) => result.rule === rule && result.mixing === mixing && result.faulty === Math.round(share * result.peers))));
    return `| ${rule}${mixing ? ', mixed' : ''} | ${cells.join(' | ')} |`;
  }));
  return [`| rule | ${SHARES.map((share) => `${Math.round(100 * share)} %`).join(' | ')} |`, `|---|${SHARES.map(() => '---|').join('')}`, ...rows];
}

function cellOf(results: readonly Broken[]): string {
  const worst = results.reduce((most, result) => (result.distance > most.distance ? result : most));
  const text = `${worst.distance.toPrecision(2)} ${worst.attack}`;
  return worst.faulty <= worst.survives ? text : `(${text})`;
}

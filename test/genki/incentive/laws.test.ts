import { describe, expect, it } from 'vitest';
import { barePolicies, type BarePolicy } from '../../../genki/incentive/bare-policies.ts';
import { policyNamed, policyNames } from '../../../genki/incentive/policies.ts';
import type { Measurement } from '../../../genki/incentive/policy.ts';
import { Random } from '../../../genki/protocol/random.ts';
import { crowd, half, idle, sum, unknown, wildCrowd, worseThan } from './crowd.ts';

const CASES = Array.from({ length: 2000 }, (_, i) => ({ miners: crowd(`${i}`), wild: wildCrowd(`${i}`) }));
/** Of those that have to keep every law all cases, of the others some. */
const SOME = 500;
const SLACK = 1e-9;
const differ = (a: number, b: number): boolean => !(Math.abs(a - b) <= SLACK);
const isCounted = (one: number): boolean => Number.isFinite(one) && one >= 0;

/** Whether a case breaks a law. `i` is one of its miners, `wild` a crowd of odd numbers. */
type Law = (pay: BarePolicy, miners: readonly Measurement[], { i, random, wild }: { i: number; random: Random; wild: readonly Measurement[] }) => boolean;

const laws = {
  'weights are finite, at least 0, and sum to 1 or are all 0': (pay, _, { wild }) => {
    const weights = pay(wild);
    return !weights.every(isCounted) || (differ(sum(weights), 1) && weights.some((weight) => weight !== 0));
  },
  'relabelling permutes the weights': (pay, miners, { random }) => {
    const order = random.shuffle(miners.map((_one, at) => at));
    const [before, after] = [pay(miners), pay(order.map((at) => miners[at]!))];
    return order.some((from, to) => differ(after[to]!, before[from]!));
  },
  'worse never pays more': (pay, miners, { i, random }) => {
    const worse = random.chance(0.2) ? unknown(miners[i]!) : worseThan(miners[i]!, random.pick([0.1, 0.5, 2]));
    return pay(miners.with(i, worse))[i]! > pay(miners)[i]! + SLACK;
  },
  'no improvement never pays': (pay, miners, { i }) => pay(miners.with(i, idle(miners[i]!)))[i]! > 0,
  'nothing valid pays nobody': (pay, miners, { random }) => pay(miners.map((one) => (random.chance(0.5) ? { ...one, accepted: false } : unknown(one)))).some((weight) => weight !== 0),
  'a copy that the filter found earns nothing and takes nothing': (pay, miners, { i }) => takes(pay, miners, { ...miners[i]!, accepted: false, leader: false, similarity: 1 }),
  'a copy that passed the filter earns nothing and takes nothing': (pay, miners, { i }) => takes(pay, miners, { ...miners[i]!, leader: false, similarity: 1 }),
  'splitting oneself in two does not pay': (pay, miners, { i }) => {
    const split = pay([...miners.with(i, half(miners[i]!)), { ...half(miners[i]!), leader: false }]);
    return split[i]! + split.at(-1)! > pay(miners)[i]! + SLACK;
  },
} satisfies Record<string, Law>;

function takes(pay: BarePolicy, miners: readonly Measurement[], copy: Measurement): boolean {
  const [before, after] = [pay(miners), pay([...miners, copy])];
  return after.at(-1) !== 0 || before.some((weight, i) => differ(after[i]!, weight));
}

/** The laws in the order above: `y` holds, `n` does not, and a case is found that shows it. */
const table: Record<string, string> = {
  dama: 'yyyyyyyy',
  'delta-loss': 'yyyyyyyy',
  // asks for no improvement; hears a copy as it hears the original, and two halves as two
  genki: 'yyynyynn',
  // who came first matters; the softmax pays the last one too, and each of two
  'win-rate': 'ynynyynn',
  // two that go the same way agree twice as much
  'gradient-agreement': 'yyyyyynn',
  // no filter; where one number too many is equal or missing nobody is paid, so that a worse one sets the others free
  'bare genki': 'yynnnnnn',
  // two negative factors: paid for harm, and for more of it more
  'bare delta-loss': 'yynynnny',
  // who fails denies the others their wins
  'bare win-rate': 'ynnnnnnn',
  // the sign of the sum
  'bare gradient-agreement': 'yynynnnn',
};
const payers = new Map<string, BarePolicy>([...policyNames.map((name) => [name, policyNamed(name)] as const), ...[...barePolicies].map(([name, pay]) => [`bare ${name}`, pay] as const)]);

/** The first case that breaks a law. */
function counterExample(law: Law, pay: BarePolicy, cases: number): number | undefined {
  const random = new Random('cases');
  const found = CASES.slice(0, cases).findIndex(({ miners, wild }) => law(pay, miners, { i: random.int(miners.length), random, wild }));
  return found < 0 ? undefined : found;
}

it('has a line for every policy, with every law', () => {
  expect(Object.keys(table)).toEqual([...payers.keys()]);
  expect(Object.values(table).every((line) => line.length === Object.keys(laws).length)).toBe(true);
});

describe.each(Object.entries(table))('%s', (name, line) => {
  const cases = line.includes('n') ? SOME : CASES.length;
  it.each(Object.entries(laws).map(([title, law], i) => [line[i] === 'y' ? 'keeps' : 'does not keep', title, law] as const))('%s: %s', (kept, _, law) => {
    const found = counterExample(law, payers.get(name)!, cases);
    if (kept === 'keeps') expect(found).toBeUndefined();
    else expect(found).toBeLessThan(cases);
  });
});

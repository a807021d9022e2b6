import { describe, expect, it } from 'vitest';
import { MAX_CARRIED } from '../../../genki/incentive/epoch-scores.ts';
import { readCarried } from '../../../genki/incentive/read-carried.ts';

const since = { competition: 'ruby', hotkey: '5Grwva', registeredAt: 7, epoch: 3 };
const score = { ...since, value: 0.25 };
const rating = { ...since, mu: 27.5, sigma: 8 };

describe('readCarried', () => {
  it('reads what an epoch leaves', () => {
    for (const carried of [{ kind: 'average', entries: [score, { ...score, value: -1, hotkey: 'b' }] }, { kind: 'openskill', entries: [rating] }, { kind: 'average', entries: [] }]) {
      expect(readCarried(JSON.parse(JSON.stringify(carried)))).toEqual(carried);
    }
  });

  it.each([
    ['another kind', { kind: 'median', entries: [] }],
    ['no entries', { kind: 'average' }],
    ['entries that are no list', { kind: 'average', entries: { length: 1, 0: score } }],
    ['entries of the other kind', { kind: 'openskill', entries: [score] }],
    ['a key that nobody writes', { kind: 'average', entries: [{ ...score, uid: 3 }] }],
    ['a key beside the entries', { kind: 'average', entries: [], rate: 1 }],
    ['a number that is none', { kind: 'average', entries: [{ ...score, value: NaN }] }],
    ['a number that JSON has not', { kind: 'average', entries: [{ ...score, value: null }] }],
    ['a score above 1', { kind: 'average', entries: [{ ...score, value: 1.5 }] }],
    ['an epoch that is no integer', { kind: 'average', entries: [{ ...score, epoch: 1.5 }] }],
    ['a hotkey that moves the cursor', { kind: 'average', entries: [{ ...score, hotkey: '\u001b[2J' }] }],
    ['a deviation of 0', { kind: 'openskill', entries: [{ ...rating, sigma: 0 }] }],
    ['a mean at which the model overflows', { kind: 'openskill', entries: [{ ...rating, mu: 1e5 }] }],
    ['a miner twice', { kind: 'average', entries: [score, { ...score, value: 1 }] }],
    ['too many', { kind: 'average', entries: Array.from({ length: MAX_CARRIED + 1 }, (_, i) => ({ ...score, hotkey: `m${i}` })) }],
    ['nothing', undefined],
  ])('refuses %s', (_, json) => {
    expect(() => readCarried(json)).toThrow('Expected scores of epochs before');
  });

  it('keeps one hotkey\'s two registrations apart', () => {
    expect(readCarried({ kind: 'average', entries: [score, { ...score, registeredAt: 8 }] }).entries).toHaveLength(2);
  });
});

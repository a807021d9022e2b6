import { describe, expect, it } from 'vitest';
import { decideNextDama } from '../../../genki/federation/next-dama.ts';

const part = { styles: ['new', 'new', 'new', 'old', 'old'], floors: { new: 0.1 }, guards: ['old'] };
const thresholds = { publishZ: 2, guardNats: 0.1 };
const current = [2, 2.2, 1.8, 0.2, 0.2];

describe('decideNextDama', () => {
  it('stands for a merge that is better for certain', () => {
    expect(decideNextDama(current, [1, 1.1, 0.9, 0.25, 0.25], part, thresholds)).toMatchObject({ publish: true, reason: 'the merged Dama is better by 1.000 ± 0.058 nats a code' });
  });

  it('keeps the current one when the gain may be luck', () => {
    expect(decideNextDama(current, [2.1, 1.9, 1.7, 0.2, 0.2], part, thresholds)).toMatchObject({ publish: false, reason: 'the merged Dama is not better for certain: 0.100 ± 0.115 nats a code' });
    expect(decideNextDama(current, current, part, thresholds).publish).toBe(false);
  });

  it('keeps the current one when the merged one forgets or is broken', () => {
    expect(decideNextDama(current, [1, 1, 1, 0.2, 0.5], part, thresholds)).toMatchObject({ publish: false, reason: 'the merged Dama forgets old: its loss rises by 0.150, 0.1 is allowed' });
    expect(decideNextDama(current, current.map(() => NaN), part, thresholds).publish).toBe(false);
  });
});

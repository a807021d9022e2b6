import { describe, expect, it } from 'vitest';
import { privacyCost, withOneMore } from '../../activities/delta-privacy.ts';
import { epsilonOf } from '../../genki/federation/privacy/accountant.ts';

const config = { clip: 1, noise: 2, delta: 1e-5, maxEpsilon: 4 };
const epsilon = (windows: number): number => epsilonOf({ noise: 2, delta: 1e-5, windows }).epsilon;

describe('what an update costs in privacy', () => {
  it('grows with each that had noise', () => {
    let own: Parameters<typeof privacyCost>[1];
    for (let windows = 0; windows < 5; windows++) {
      expect(privacyCost(config, own)).toMatchObject({ before: epsilon(windows), epsilon: epsilon(windows + 1), delta: 1e-5 });
      own = withOneMore(own, { noise: 2, ofOwnMusic: true });
    }
    expect(own).toEqual({ noised: [{ noise: 2, windows: 5 }], bare: 0 });
  });

  it('counts updates of other noise by what they tell', () => {
    // one of noise 1 tells as much as four of noise 2, four of noise 4 as much as one
    expect(privacyCost(config, { noised: [{ noise: 1, windows: 1 }, { noise: 4, windows: 4 }], bare: 0 }).before).toBe(epsilon(5));
    expect(privacyCost(config, { noised: [{ noise: 4, windows: 1 }], bare: 0 }).before).toBe(epsilon(1));
  });

  it('is too much above the miner\'s limit', () => {
    const most = [1, 2, 3, 4, 5, 6, 7, 8, 9].findLast((windows) => epsilon(windows) <= 4)!;
    expect([most - 1, most].map((windows) => privacyCost(config, { noised: [{ noise: 2, windows }], bare: 0 }).isTooMuch)).toEqual([false, true]);
  });

  it('says what was sent without noise', () => {
    expect(withOneMore(undefined, { noise: undefined, ofOwnMusic: true })).toEqual({ noised: [], bare: 1 });
    expect(withOneMore(undefined, { noise: undefined, ofOwnMusic: false })).toEqual({ noised: [], bare: 0 });
    expect(privacyCost(config, { noised: [], bare: 2 }).statement).toMatch(/ Of 2 updates before, sent without noise, nothing is promised\.$/);
    expect(privacyCost(config, { noised: [], bare: 0 }).statement).not.toContain('without noise');
  });
});

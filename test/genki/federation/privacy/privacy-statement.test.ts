import { describe, expect, it } from 'vitest';
import { PrivacyConfig } from '../../../../genki/federation/privacy/privacy-config.ts';
import { privacyStatement } from '../../../../genki/federation/privacy/privacy-statement.ts';

const privacy: PrivacyConfig = { clip: 0.5, noise: 8, delta: 1e-5, maxEpsilon: 8 };

describe('privacyStatement', () => {
  it('says ε so far and with this update, the limit, what is protected and what is not', () => {
    const statement = privacyStatement({ ...privacy, windows: 10 });
    expect(statement).toContain('clipped to norm 0.5 and every value gets noise of standard deviation 4.');
    expect(statement).toContain('Your 10 updates so far keep to ε = 1.67 at δ = 0.00001; with this one it is ε = 1.76.');
    expect(statement).toContain('Your limit is ε = 8, which allows 157 updates.');
    expect(statement).toContain('e^ε = 5.82');
    expect(statement).toContain('Not protected are');
    expect(statement).not.toContain('promises next to nothing');
  });

  it('says where the limit does not allow it, and where ε is no protection', () => {
    const statement = privacyStatement({ ...privacy, noise: 1, windows: 2 });
    expect(statement).toContain('That is above your limit of ε = 8, which allows 2 updates: this one will not be uploaded.');
    expect(privacyStatement({ ...privacy, noise: 1, windows: 1 })).toContain('Your 1 update so far keeps to ε = 4.73');
    expect(privacyStatement({ ...privacy, noise: 1, windows: 10 })).toContain('An ε above 10 promises next to nothing.');
  });
});

describe('PrivacyConfig', () => {
  it('takes all four and nothing else', () => {
    expect(PrivacyConfig.parse(privacy)).toEqual(privacy);
    for (const name of Object.keys(privacy)) expect(PrivacyConfig.safeParse({ ...privacy, [name]: 0 }).success).toBe(false);
    expect(PrivacyConfig.safeParse({ ...privacy, delta: 1 }).success).toBe(false);
    expect(PrivacyConfig.safeParse({ ...privacy, orders: [2] }).success).toBe(false);
  });
});

import { expect, it } from 'vitest';
import { durationText, parseDuration } from '../../client/duration.ts';

it.each([
  ['90s', 90_000],
  ['5m', 300_000],
  ['1h 30m', 5_400_000],
  ['1h30m', 5_400_000],
  ['250ms', 250],
  ['2d', 172_800_000],
  ['0s', 0],
])('takes %s', (text, ms) => expect(parseDuration(text)).toBe(ms));

it.each(['', '5', 'm', '5 minutes', '-5m', '1.5h', '5m!', 'x5m', '5m x', '1e3s'])('does not take %j', (text) => expect(parseDuration(text)).toBeUndefined());

it('reads what it writes', () => {
  for (const ms of [0, 250, 10_000, 60_000, 90_000, 12_600_000, 86_400_000, 90_061_001]) expect(parseDuration(durationText(ms))).toBe(ms);
  expect(durationText(12_600_000)).toBe('3h 30m');
});

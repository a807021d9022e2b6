import { describe, expect, it } from 'vitest';
import { changes, defaultEveryMs, rhythmText, settingsOf } from '../../../client/schedules/plan.ts';

const range = <T>(start: T, end: T, step = 1): { start: T; end: T; step: number }[] => [{ start, end, step }];
const calendar = { second: range(0, 0), minute: range(0, 59, 5), hour: range(0, 23), dayOfMonth: range(1, 31), month: range('JANUARY' as const, 'DECEMBER' as const), year: [], dayOfWeek: range('SUNDAY' as const, 'SATURDAY' as const) };

describe('how often it ticks, unless told', () => {
  it.each([
    ['an epoch of 72 minutes', 4_320_000, 300_000],
    ['an epoch of 20 minutes', 1_200_000, 150_000],
    ['a window of 10 seconds', 10_000, 60_000],
    ['a window of a day', 86_400_000, 300_000],
  ])('in %s', (_, periodMs, everyMs) => expect(defaultEveryMs(periodMs)).toBe(everyMs));
});

describe('a schedule in words', () => {
  it.each([
    ['every 5m', { intervals: [{ every: 300_000, offset: 0 }] }],
    ['every 5m and 10s', { intervals: [{ every: 300_000, offset: 10_000 }] }],
    ['cron */5 * * * *', { calendars: [calendar] }],
    ['cron 30 */5 8-17/2,20 1 MAY MONDAY-FRIDAY 2030, in Europe/Berlin', { calendars: [{ ...calendar, second: range(30, 30), hour: [...range(8, 17, 2), ...range(20, 20)], dayOfMonth: range(1, 1), month: range('MAY' as const, 'MAY' as const), dayOfWeek: range('MONDAY' as const, 'FRIDAY' as const), year: range(2030, 2030) }], timezone: 'Europe/Berlin' }],
    ['never', {}],
  ])('is %s', (text, spec) => expect(rhythmText(spec)).toBe(text));

  it('says which settings differ', () => {
    const first: Parameters<typeof settingsOf>[0] = {
      spec: { intervals: [{ every: 300_000, offset: 0 }] },
      policies: { overlap: 'SKIP', catchupWindow: 300_000, pauseOnFailure: false },
      action: { type: 'startWorkflow', workflowType: 'epochTick', workflowId: 'epoch-tick/1', taskQueue: 'genki', args: [], workflowExecutionTimeout: 900_000 },
    };
    const before = settingsOf(first);
    const after = settingsOf({ ...first, spec: { calendars: [calendar], jitter: 10_000 }, action: { ...first.action, args: [{ hotkey: 'x' }] } });
    expect(changes(before, before)).toEqual([]);
    expect(changes(before, after)).toEqual(['ticks: every 5m → cron */5 * * * *', 'jitter: none → 10s', 'starts: epochTick as epoch-tick/1 on genki → epochTick [{"hotkey":"x"}] as epoch-tick/1 on genki']);
  });
});

import { describe, expect, it } from 'vitest';
import type { Closing } from '../../activities/closing.ts';
import type { ClosingOutcome } from '../../workflows/close-window.ts';
import { closingPage } from '../../workflows/closing-page.ts';

const closing: Closing = { hotkey: '5Vera', validator: 'vera', netuid: 1, competition: 'rw', window: 3, bucket: 'vera', privateBucket: 'vera-private', first: 240, deadline: 1315, last: 1319, reveal: 1327, turns: 2, over: 1351 };
const outcome: ClosingOutcome = {
  kind: 'followed', hotkey: '5Vera', window: 3, leader: '5Viktor', rank: 1, entry: { bucket: 'viktor', key: 'windows/rw/0000000003.json', sha256: '7'.repeat(64), bytes: 10 }, before: `${'A'.repeat(43)}=`, after: `${'B'.repeat(43)}=`,
  peers: ['5Anna', '5Ben'], refused: [{ hotkey: '5Carl', reason: 'Expected the key | by block 1327,\ngot `none`' }], notes: ['the leader left out 5Dora'], checkpoint: null, scores: null,
};

describe('the page of a window that is closed', () => {
  it('says what is known so far', () => {
    expect(closingPage({ phase: 'resolve' })).toBe('**resolve**');
    const page = closingPage({ phase: 'receive', closing });
    expect(page).toContain('**receive** · netuid 1 · rw · window 3, until block 1 319');
    expect(page).toContain('| updates | due by block 1 315 |');
    expect(closingPage({ phase: 'open', closing, received: { received: 4, refused: 1, late: true } })).toContain('| updates | 4 received by block 1 315, 1 not as they should be; looked too late to say who was in time |');
  });

  it('says who closed it, who does not count, and in what it differs', () => {
    const page = closingPage({ phase: 'done', closing, received: { received: 3, refused: 0, late: false }, accepted: 3, outcome });
    expect(page).toContain('**followed** · netuid 1');
    expect(page).toContain('| leader | `5Viktor`, in place 2 |');
    expect(page).toContain('| model | `AAAAAAAAAAAA…` → `BBBBBBBBBBBB…` by 2 |');
    expect(page).toContain("| `5Carl` | `Expected the key/by block 1327, got'none'` |");
    expect(page).toContain('- `the leader left out 5Dora`');
    expect(closingPage({ phase: 'done', closing, outcome: { ...outcome, kind: 'closed', peers: [], after: outcome.before } })).toContain('| leader | this one, in place 2 |\n| model | `AAAAAAAAAAAA…`, unchanged |');
  });

  it('says why it was missed', () => {
    expect(closingPage({ phase: 'done', closing, outcome: { kind: 'missed', window: 3, reason: 'nobody closed window 3 in time', notes: [] } })).toContain('| why | `nobody closed window 3 in time` |');
  });
});

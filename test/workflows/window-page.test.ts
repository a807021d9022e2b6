import { describe, expect, it } from 'vitest';
import { windowPage, windowSummary } from '../../workflows/window-page.ts';

/** Since the Web UI cuts off the last line. */
const END = '\n\n\u00a0';

describe('the page of a window', () => {
  it('says what is known, and no more', () => {
    expect(windowPage({ phase: 'resolve' })).toBe('**resolve**');
    expect(windowPage({ phase: 'lock adapter', netuid: 1, competition: 'rn', hotkey: '5F', miner: 'anna', window: 12, lastBlock: 519 })).toBe(
      `**lock adapter** · netuid 1 · rn · window 12, until block 519\n\n| | |\n|---|---|\n| miner | \`anna\` \`5F\` |${END}`,
    );
    expect(windowPage({ phase: 'done', ended: 'skipped: already committed in window 0, at block 3' })).toBe(`**done**\n\n| | |\n|---|---|\n| ended | \`skipped: already committed in window 0, at block 3\` |${END}`);
  });

  it('ends with the whole story', () => {
    const committed = { phase: 'publish key', netuid: 1, competition: 'rn', hotkey: '5F', miner: 'anna', window: 12, lastBlock: 519, fence: 3, steps: 40, loss: { first: 2.5, last: 1.25 }, adapterBytes: 434_176, block: 498 };
    expect(windowPage(committed).split('\n').slice(5, -2)).toEqual(['| lease | fence 3 |', '| training | 40 steps, loss 2.500 → 1.250 |', '| adapter | 424 KiB, sealed |', '| commit | block 498, final; its key is not published yet |']);
    expect(windowPage({ ...committed, phase: 'done', keyPublished: true })).toContain('; its key is published |');
  });

  it('of a delta shows what it costs in privacy before anything is uploaded, and what is waited for', () => {
    const training = { phase: 'train', netuid: 1, competition: 'rw', hotkey: '5F', miner: 'anna', window: 12, lastBlock: 1039, privacy: { before: 1.5, epsilon: 1.75, delta: 1e-5, statement: 'ε = 1.75 | so far' } };
    expect(windowPage(training).split('\n').slice(5, -2)).toEqual(['| privacy | `ε = 1.75/so far` |']);
    const sent = { ...training, phase: 'wait for the close', update: { bytes: 17_500, ratio: 251.3, norm: 0.12345 }, waiting: { what: 'the end of the window', until: 1039 } };
    expect(windowPage(sent).split('\n').slice(6, -2)).toEqual(['| update | 17500 bytes, 251 times smaller than float32, norm 0.123; sealed |', '| waiting | `the end of the window`, until block 1039 |']);
    expect(windowPage({ ...sent, waiting: undefined, keyPublished: true }).split('\n').slice(6, -2)).toEqual(['| update | 17500 bytes, 251 times smaller than float32, norm 0.123; disclosed |']);
  });

  it('has a line in the list', () => {
    expect(windowSummary({ netuid: 1, window: 12, miner: 'anna' })).toBe('netuid 1 · window 12 · anna');
  });
});

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

  it('has a line in the list', () => {
    expect(windowSummary({ netuid: 1, window: 12, miner: 'anna' })).toBe('netuid 1 · window 12 · anna');
  });
});

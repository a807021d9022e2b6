import { describe, expect, it } from 'vitest';
import { feedbackFor, type Heard, type Made } from '../../../genki/federation/feedback.ts';
import { Random } from '../../../genki/protocol/random.ts';

const made = (window: number, sent: string | null = `update ${window}`): Made => ({ window, base: 'base', sent });
const entry = (window: number, peers: Record<string, string>): Heard => ({ window, peers: Object.entries(peers).map(([hotkey, sha256]) => ({ hotkey, update: { sha256 } })) });
const of = (window: number, all: readonly Made[], log: readonly Heard[] = []) => feedbackFor(window, { hotkey: 'anna', made: all, log });

describe('feedbackFor', () => {
  it('begins with nothing', () => {
    expect(of(3, [])).toEqual({ kind: 'nothing' });
  });

  it('goes on with what the newest one left out, once it was heard', () => {
    const all = [made(4), made(5), made(3)];
    expect(of(6, all, [entry(5, { ben: 'his', anna: 'update 5' })])).toEqual({ kind: 'left-out', of: made(5) });
  });

  it.each<[string, readonly Heard[]]>([
    ['was not uploaded in time', [entry(5, { ben: 'his' })]],
    ['is of a window that nobody closed', [entry(4, { anna: 'update 4' }), entry(6, { anna: 'update 6' })]],
    ['is not what somebody else handed in under the same hotkey', [entry(5, { anna: 'another' })]],
    ['was heard of somebody else', [entry(5, { ben: 'update 5' })]],
    ['is of a window of which nothing is known', []],
  ])('sends all of the newest one again when it %s', (_, log) => {
    expect(of(7, [made(4), made(5)], log)).toEqual({ kind: 'all', of: made(5) });
  });

  it('knows a slice by who handed it in', () => {
    expect(of(6, [made(5, null)], [entry(5, { anna: 'the slice' })])).toEqual({ kind: 'left-out', of: made(5, null) });
    expect(of(6, [made(5, null)], [entry(5, { ben: 'the slice' })])).toEqual({ kind: 'all', of: made(5, null) });
  });

  it('takes up what was made for the same window', () => {
    expect(of(5, [made(5), made(4)], [entry(4, { anna: 'update 4' })])).toEqual({ kind: 'made', it: made(5) });
  });

  it('makes nothing for a window before one that was begun', () => {
    expect(of(5, [made(4), made(6)])).toEqual({ kind: 'overtaken', by: made(6) });
  });

  /** A miner whose every window adds 1 to what it has learnt, and sends what it can in whole threes, is killed, late or refused at random. */
  it('loses nothing and sends nothing twice, whatever happens', () => {
    const random = new Random('feedback');
    type Kept = Made & { readonly file: number; readonly residual: number };
    for (let run = 0; run < 300; run++) {
      const kept: Kept[] = [];
      const log: Heard[] = [];
      let [learnt, heard] = [0, 0];
      for (let window = 0; window < 30; window++) {
        for (let attempt = 0; attempt < 2 && random.chance(0.8); attempt++) {
          const feedback = feedbackFor(window, { hotkey: 'anna', made: random.shuffle(kept), log });
          if (feedback.kind === 'made') continue;
          if (feedback.kind === 'overtaken') throw new Error('nothing later was begun');
          const before = feedback.kind === 'nothing' ? 0 : feedback.of.residual + (feedback.kind === 'all' ? feedback.of.file : 0);
          if (random.chance(0.2)) continue; // killed before anything was kept: what it had learnt is learnt again
          learnt++;
          const file = Math.floor((before + 1) / 3) * 3;
          kept.push({ window, base: '', sent: `${window}`, file, residual: before + 1 - file });
        }
        const mine = kept.find((one) => one.window === window);
        const isHeard = mine !== undefined && random.chance(0.6);
        if (random.chance(0.2)) continue; // nobody closed it
        log.push(entry(window, isHeard ? { anna: `${window}`, ben: 'his' } : { ben: 'his' }));
        if (isHeard) heard += mine.file;
      }
      const last = feedbackFor(30, { hotkey: 'anna', made: kept, log });
      const left = last.kind === 'left-out' ? last.of.residual : last.kind === 'all' ? last.of.residual + last.of.file : 0;
      expect(heard + left).toBe(learnt);
    }
  });
});

import { describe, expect, it } from 'vitest';
import { entryDifferences } from '../../../genki/protocol/entry-differences.ts';
import type { WindowEntry } from '../../../genki/protocol/window-log.ts';

const entryOf = (peers: readonly string[], refused: WindowEntry['refused'] = [], after = 'model'): WindowEntry => ({ peers: peers.map((hotkey) => ({ hotkey })), refused, after }) as WindowEntry;
const own = (accepted: readonly string[], refused: { hotkey: string; reason: string }[] = [], after = 'model') => ({ after, accepted: accepted.map((hotkey) => ({ hotkey })), refused });

describe('an entry', () => {
  it('does not differ from what is found here', () => {
    expect(entryDifferences(entryOf(['anna', 'ben'], [{ hotkey: 'carl', registeredAt: 0, reason: 'late' }]), own(['anna', 'ben'], [{ hotkey: 'carl', reason: 'a copy' }]))).toEqual([]);
  });

  it('differs in whom it takes and whom it leaves out, each with its reason', () => {
    expect(entryDifferences(entryOf(['anna', 'carl', 'dora'], [{ hotkey: 'ben', registeredAt: 0, reason: 'kept its key' }]), own(['anna', 'ben', 'emil'], [{ hotkey: 'carl', reason: 'a copy of anna' }]))).toEqual([
      'the leader took carl; here: a copy of anna',
      'the leader took dora; here: nothing was received in time',
      'the leader left out ben, which counts here: kept its key',
      'the leader left out emil, which counts here: nothing was received in time',
    ]);
  });

  it('differs in the model alone', () => {
    expect(entryDifferences(entryOf(['anna'], [], 'one'), own(['anna'], [], 'another'))).toEqual(['the leader took the same peers and comes to another model, one; here: another']);
  });
});

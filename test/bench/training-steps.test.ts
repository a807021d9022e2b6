import { describe, expect, it } from 'vitest';
import { compared, type Steps } from '../../bench/training-steps.ts';

const side = (name: string, losses: readonly number[], ms: number): Steps => ({ name, step: async (times) => Array.from({ length: times }, () => ms), warmUp: async () => losses });
const turns = { turns: 2, each: 2, note: () => undefined };

describe('training steps of two sides', () => {
  it('are timed beside each other where both learn the same', async () => {
    const figure = await compared('step', { ours: side('ours', [4.2, 4.1], 30), peer: side('theirs', [4.20009, 4.09991], 40) }, turns);
    expect(figure).toEqual({ name: 'step', unit: 'ms', ours: 30, peer: 40, peerName: 'theirs', ratio: 0.75 });
  });

  it('are refused, naming the first step in which the losses differ', async () => {
    const differing = compared('step', { ours: side('ours', [4.2, 4.1, 4], 30), peer: side('theirs', [4.2, 4.1002, 3], 40) }, turns);
    await expect(differing).rejects.toThrow('step: expected theirs to have the loss 4.1 in step 2, got 4.1002');
  });

  it('are refused where the peer has no loss at all', async () => {
    await expect(compared('step', { ours: side('ours', [4.2], 30), peer: side('theirs', [NaN], 40) }, turns)).rejects.toThrow('in step 1, got NaN');
  });

  it('are ours alone where there is no peer', async () => {
    expect(await compared('step', { ours: side('ours', [4.2], 30), peer: undefined }, turns)).toMatchObject({ ours: 30, peer: null, ratio: null });
  });
});

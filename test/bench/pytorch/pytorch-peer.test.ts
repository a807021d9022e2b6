import { describe, expect, it } from 'vitest';
import { PyTorchPeer } from '../../../bench/pytorch/pytorch-peer.ts';

describe('the PyTorch peer', () => {
  it('is missing, with what to do about it, where there is no such Python', async () => {
    const notes: string[] = [];
    expect(await PyTorchPeer.start({ python: '/nowhere/python', threads: 1, note: (line) => notes.push(line) })).toBeUndefined();
    expect(notes).toEqual([expect.stringMatching(/No PyTorch.*ENOENT.*pip install torch.*GENKI_PYTHON.*\/nowhere\/python/)]);
  });
});

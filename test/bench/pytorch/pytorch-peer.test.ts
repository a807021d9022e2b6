import { describe, expect, it } from 'vitest';
import { PyTorchPeer } from '../../../bench/pytorch/pytorch-peer.ts';

describe('the PyTorch peer', () => {
  it.each([
    ['peer.py', /No PyTorch.*ENOENT.*"pip install torch".*GENKI_PYTHON.*\/nowhere\/python/],
    ['musicgen-peer.py', /No PyTorch.*ENOENT.*"pip install torch 'transformers<5' peft".*GENKI_PYTHON/],
  ] as const)('of %s is missing, with what to do about it, where there is no such Python', async (script, said) => {
    const notes: string[] = [];
    expect(await PyTorchPeer.start({ python: '/nowhere/python', threads: 1, script, note: (line) => notes.push(line) })).toBeUndefined();
    expect(notes).toEqual([expect.stringMatching(said)]);
  });
});

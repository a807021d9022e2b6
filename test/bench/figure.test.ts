import { describe, expect, it } from 'vitest';
import { figureOf, jsonLine, tableLines } from '../../bench/figure.ts';

const beside = figureOf({ name: 'step', unit: 'ms', ours: 70, peer: 80, peerName: 'PyTorch 2' });
const alone = figureOf({ name: 'generate', unit: 'ms/frame', ours: 3.456, peer: null, peerName: 'PyTorch' });

describe('a figure', () => {
  it('has the ratio of ours over the peer', () => {
    expect(beside.ratio).toBe(0.875);
  });

  it('without a peer has no ratio', () => {
    expect(jsonLine(alone)).toBe('{"name":"generate","unit":"ms/frame","ours":3.456,"peer":null,"peerName":"PyTorch","ratio":null}');
  });

  it('is a row of a table', () => {
    expect(tableLines([beside, alone])).toEqual([
      '          ours  peer  ratio  unit      peer is',
      'step      70.0  80.0  0.875  ms        PyTorch 2',
      'generate  3.46     –      –  ms/frame  PyTorch',
    ]);
  });
});

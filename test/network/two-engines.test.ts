import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { LOSS_WITHIN, twoEngines } from '../../bench/two-engines.ts';
import { UNDECIDED } from '../../genki/evaluation/verdict.ts';

const cacheDir = mkdtempSync(join(tmpdir(), 'genki-two-engines-'));
afterAll(() => rmSync(cacheDir, { recursive: true, force: true }));

describe('onnx and TensorFlow.js in wasm', () => {
  it('come to the same losses and verdicts', async () => {
    const lines: string[] = [];
    const figures = await twoEngines({ seeds: 1, steps: 10, cacheDir, note: (line) => lines.push(line) });
    const ours = Object.fromEntries(figures.map((figure) => [figure.name.split('/')[1], figure.ours]));
    expect(ours['largest-loss-difference']).toBeGreaterThan(0);
    expect(ours['largest-loss-difference']).toBeLessThan(LOSS_WITHIN);
    expect(ours['largest-margin-difference']).toBeLessThan(UNDECIDED);
    expect(ours['verdicts-agree-outside-the-undecided-band']).toBe(1);
    // the base and each of five alone, on eight clips
    expect(Number(/(\d+) losses/.exec(lines.at(-1)!)![1])).toBeGreaterThanOrEqual(48);
  });
});

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { BENCHMARKS, benchmarksNamed } from '../../bench/benchmarks.ts';
import type { Benchmark } from '../../bench/context.ts';
import { figureOf, jsonLine } from '../../bench/figure.ts';

const NAMES = ['train-step-lora', 'train-step', 'train-step-tfjs-wasm', 'generate', 'musicgen-train-lora', 'musicgen-train', 'musicgen-generate', 'musicgen-memory', 'musicgen-small', 'gpu', 'epoch', 'round-256', 'window-256', 'epoch-seeds', 'two-engines', 'chain', 'yuma', 'fad', 'clap', 'hand-over', 'shapley', 'aggregation', 'compression', 'catch-up', 'windows', 'windows-private', 'windows-poisoned', 'lazy-miners'];
const context = { folder: '', python: '', json: true, note: () => undefined };
const trivial: Benchmark = { about: 'nothing', run: async ({ json }) => [figureOf({ name: 'trivial', unit: 'ms', ours: json ? 1.23456789 : 0, peer: 2, peerName: 'idling' })] };

describe('the benchmarks', () => {
  it('are those that the project claims figures of', () => {
    expect(Object.keys(BENCHMARKS)).toEqual(NAMES);
    expect(benchmarksNamed([])).toEqual(Object.values(BENCHMARKS));
  });

  it('are found by name, in the order asked for', () => {
    expect(benchmarksNamed(['generate', 'train-step'])).toEqual([BENCHMARKS['generate'], BENCHMARKS['train-step']]);
  });

  it.each(['gemerate', 'toString', ''])('refuse %j with the names there are', (name) => {
    expect(() => benchmarksNamed(['epoch', name])).toThrow(`Expected a benchmark of ${NAMES.join(', ')}, got ${name}`);
  });

  it('give figures that become one line of JSON each', async () => {
    const lines = (await benchmarksNamed(['trivial'], { trivial })[0]!.run(context)).map(jsonLine);
    expect(lines).toEqual(['{"name":"trivial","unit":"ms","ours":1.23457,"peer":2,"peerName":"idling","ratio":0.617284}']);
  });

  it('end with status 1 and the names on stderr when one is unknown', () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', 'bench/main.ts', 'gemerate', '--json'], { cwd: fileURLToPath(new URL('../..', import.meta.url)), encoding: 'utf8' });
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toContain(`Expected a benchmark of ${NAMES.join(', ')}, got gemerate`);
  });
});

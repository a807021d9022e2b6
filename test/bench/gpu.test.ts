import { describe, expect, it } from 'vitest';
import { gpu } from '../../bench/gpu.ts';
import { chooseEngine } from '../../genki/engine/choose-engine.ts';
import { nativeFolder } from '../../workers/engine.ts';

const hasGpu = await chooseEngine({ prefer: 'tfjs-node-gpu', threads: 1, native: nativeFolder(process.env) }).then(async (engine) => (await engine.dispose(), true), () => false);

describe('the benchmark of the GPU', () => {
  it.skipIf(hasGpu)('measures nothing and says why where there is none', async () => {
    const notes: string[] = [];
    expect(await gpu({ folder: '/nowhere', python: '', json: false, note: (line) => notes.push(line) })).toEqual([]);
    expect(notes).toEqual([expect.stringMatching(/^No GPU engine here \(tfjs-node-gpu: .*\)\. On a machine with an NVIDIA GPU: npm run native -- --gpu$/)]);
  });
});

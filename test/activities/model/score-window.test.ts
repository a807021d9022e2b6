import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ModelCache } from '../../../activities/model/model-cache.ts';
import { scoreWindowJob, type ScoreWindowInput } from '../../../activities/model/score-window.ts';
import { pageClips } from '../../../genki/data/page-clips.ts';
import { createOnnxEngine } from '../../../genki/engine/onnx/onnx-engine.ts';
import type { Engine } from '../../../genki/engine/engine.ts';
import { BadSubmission } from '../../../genki/errors.ts';
import { encodeUpdate } from '../../../genki/federation/compression/update-codec.ts';
import { flatten, layoutOf } from '../../../genki/federation/layout.ts';
import { stateDigest } from '../../../genki/federation/window-state.ts';
import { gradientOf } from '../../../genki/music/gradient.ts';
import type { MusicConfig } from '../../../genki/music/config.ts';
import { initialWeights } from '../../../genki/music/weights.ts';
import { Random } from '../../../genki/protocol/random.ts';
import { RUBY_WINDOWS } from '../../../genki/protocol/ruby-windows.ts';
import { contentDigest, encodeSafetensors } from '../../../genki/protocol/safetensors.ts';
import { createFolderStore } from '../../../genki/store/folder-store.ts';
import type { ObjectRef } from '../../../genki/store/object-store.ts';

const TINY: MusicConfig = {
  decoder: { vocabSize: 64, hiddenSize: 8, numLayers: 1, numHeads: 1, ffnDim: 8, numCodebooks: 4, maxPositions: 131 },
  text: { kind: 'words', words: ['march', 'waltz'], hiddenSize: 4, maxWords: 4 },
  codec: { kind: 'apu', frameRate: 12, frames: 128 },
};
const CODEC = { kind: 'dense' } as const;
const PAGES = { styles: ['march', 'waltz'], clips: 4, seed: 'pages', measured: 3 };

const root = mkdtempSync(join(tmpdir(), 'genki-score-window-'));
const store = createFolderStore(root);
const weights = initialWeights(TINY, new Random('base'));
const layout = layoutOf(TINY);
let engine: Engine;
let input: ScoreWindowInput;

/** A step down the slope on the clips of a page. */
async function learnt(page: number): Promise<Float32Array> {
  const gradient = await gradientOf(engine, TINY, { weights, clips: pageClips(PAGES, page) });
  return Float32Array.from(layout.places.flatMap(({ name }) => Array.from(gradient.get(name)!, (slope) => -slope)));
}

const put = (name: string, bytes: Uint8Array): Promise<ObjectRef> => store.putOnce('leader', name, bytes);
const run = (more: Partial<ScoreWindowInput> = {}, progress = async (): Promise<boolean> => true) => scoreWindowJob({ engine, store, cache: new ModelCache(engine, store, {}) })({ ...input, ...more }, { progress });

beforeAll(async () => {
  engine = await createOnnxEngine({ threads: 1 });
  const dama = { digest: contentDigest(weights), weights: await put('model.safetensors', encodeSafetensors(weights)), config: await put('config.json', new TextEncoder().encode(JSON.stringify(TINY))) };
  const { aggregation, outer, norm } = RUBY_WINDOWS.delta!;
  const peer = async (hotkey: string, update: Uint8Array, pages: number[] | null) => ({ hotkey, ref: await put(`${hotkey}.update`, update), manifest: dama.config, pages });
  input = {
    base: { dama, momentum: null, digest: stateDigest(flatten(layout, weights), null) },
    peers: [await peer('a', encodeUpdate(CODEC, await learnt(1)).file, [1]), await peer('b', encodeUpdate(CODEC, await learnt(2)).file, [2]), await peer('c', new Uint8Array(99), [3])],
    terms: { codec: CODEC, aggregation, outer, norm },
    competition: '',
    pages: PAGES,
    holdout: { clips: { march: 2, waltz: 2 }, seed: 'later' },
  };
});
afterAll(async () => {
  await engine.dispose();
  rmSync(root, { recursive: true });
});

describe('the job that scores a window', () => {
  it('has a score for every peer of the entry, of those that cannot be read the reason, and the same again', async () => {
    const scores = (await run())!;
    expect(scores.map(({ hotkey }) => hotkey)).toEqual(['a', 'b', 'c']);
    for (const { agreement, own, holdout } of scores.slice(0, 2)) {
      expect(agreement).toBeGreaterThan(0.1);
      expect(own!.gain).toBeGreaterThan(0);
      expect(holdout!.gain).toBeGreaterThan(0);
    }
    expect(scores[2]).toMatchObject({ verdict: 'unmeasured', agreement: null });
    expect(await run()).toEqual(scores);
  });

  it('goes by holdout music alone where nobody is assigned pages', async () => {
    const [score] = (await run({ pages: null, peers: [{ ...input.peers[0]!, pages: null }] }))!;
    expect(score).toMatchObject({ own: null, gap: null, verdict: 'sound', reason: expect.stringContaining('only holdout music counts') as string });
  });

  it('scores nothing from another model, and stops when it is asked to', async () => {
    await expect(run({ base: { ...input.base, digest: stateDigest(new Float32Array(layout.size), null) } })).rejects.toThrow(BadSubmission);
    expect(await run({}, async () => false)).toBeUndefined();
  });
});

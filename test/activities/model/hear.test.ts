import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createJobs } from '../../../activities/model/jobs.ts';
import { promptClips } from '../../../genki/data/prompts.ts';
import type { Engine } from '../../../genki/engine/engine.ts';
import { decodeHeard } from '../../../genki/evaluation/clap/heard-file.ts';
import { renderCodes, SAMPLE_RATE } from '../../../genki/music/apu/synthesizer.ts';
import { encodeWav } from '../../../genki/music/wav.ts';
import { Random } from '../../../genki/protocol/random.ts';
import { RUBY } from '../../../genki/protocol/ruby.ts';
import { createFolderStore } from '../../../genki/store/folder-store.ts';
import type { ObjectRef, ObjectStore } from '../../../genki/store/object-store.ts';
import { createEngine } from '../../genki/music/support/engines.ts';

const { embedder } = RUBY.listening!;
const music = promptClips({ styles: ['swing', 'march'], count: 2, seed: 'hear' });
const prompts = music.map(({ caption }) => caption);
const goOn = { progress: async () => true };

let root: string;
let store: ObjectStore;
let engine: Engine;
let jobs: ReturnType<typeof createJobs>;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'genki-hear-'));
  store = createFolderStore(root);
  engine = await createEngine();
  jobs = createJobs({ engine, store });
});
afterAll(async () => {
  await engine.dispose();
  rmSync(root, { recursive: true, force: true });
});

let files = 0;
const wav = (samples: Float32Array): Promise<ObjectRef> => store.putOnce('validator', `clips/${files++}.wav`, encodeWav(samples, SAMPLE_RATE));
const hear = async (clips: readonly ObjectRef[], more: Partial<Parameters<typeof jobs.hear>[0]> = {}) => (await jobs.hear({ embedder, seed: 'round', clips, prompts, bucket: 'validator', key: `heard/${files++}`, ...more }, goOn))!;
const rendered = () => Promise.all(music.map(({ codes }) => wav(renderCodes(codes, { frameRate: RUBY.music.frameRate }))));

describe('hearing', () => {
  it('finds that music fits its own captions better than each other\'s, and better than noise and silence', async () => {
    const [swing, march] = (await rendered()) as [ObjectRef, ObjectRef];
    const random = new Random('noise');
    const noise = await wav(Float32Array.from({ length: SAMPLE_RATE }, () => 0.1 * random.normal()));
    const silence = await wav(new Float32Array(SAMPLE_RATE));
    const fit = async (clips: readonly ObjectRef[]) => (await hear(clips)).quality.mean;
    const own = await fit([swing, march]);
    for (const others of [[march, swing], [noise, noise], [silence, silence]]) expect(own - (await fit(others))).toBeGreaterThan(0.2);
  });

  it('keeps what it heard, the same bytes each time, whatever else is heard beside it', async () => {
    const [swing, march] = (await rendered()) as [ObjectRef, ObjectRef];
    const [one, again] = [await hear([swing, march]), await hear([swing, march])];
    expect(again.heard.sha256).toBe(one.heard.sha256);
    const [first] = decodeHeard(await store.get(one.heard, { maxBytes: one.heard.bytes }));
    const [alone] = decodeHeard(await store.get((await hear([swing], { prompts: prompts.slice(0, 1) })).heard, { maxBytes: 2 ** 20 }));
    expect(alone).toEqual(first);
  });

  it.each<[string, (clips: ObjectRef[]) => Promise<unknown>, string]>([
    ['a prompt without a clip', (clips) => hear(clips.slice(1)), 'InvalidInput'],
    ['a clip without a prompt', (clips) => hear([...clips, clips[0]!]), 'InvalidInput'],
    ['no clips at all', () => hear([], { prompts: [] }), 'InvalidInput'],
    ['a caption of unknown words', (clips) => hear(clips, { prompts: ['xyzzy', 'plugh'] }), 'InvalidInput'],
    ['a clip without samples', async (clips) => hear([clips[0]!, await wav(new Float32Array(0))]), 'InvalidInput'],
    ['what is no sound', async (clips) => hear([clips[0]!, await store.putOnce('validator', 'stray', new Uint8Array(9))]), 'InvalidInput'],
    ['other ears than the competition names', (clips) => hear(clips, { embedder: { kind: 'clap-nano', digest: 'A'.repeat(43) + '=' } }), 'EmbedderUnfit'],
  ])('refuses %s', async (_, task, name) => {
    await expect(task(await rendered())).rejects.toMatchObject({ name });
  });

  it('takes clips of different lengths', async () => {
    const [swing, march] = (await rendered()) as [ObjectRef, ObjectRef];
    const short = await wav(renderCodes(music[0]!.codes, { frameRate: RUBY.music.frameRate }).subarray(0, 5000));
    expect((await hear([short, march])).quality.mean).not.toBe((await hear([swing, march])).quality.mean);
  });

  it('says that it goes on after each clip, and stops when it is asked to', async () => {
    const clips = await rendered();
    const told: unknown[] = [];
    const control = (goesOn: (at: number) => boolean) => ({ progress: async (details: unknown) => goesOn(told.push(details)) });
    const input = { embedder, seed: 'round', clips, prompts, bucket: 'validator', key: `heard/${files++}` };
    expect(await jobs.hear(input, control(() => true))).toMatchObject({ heard: { key: input.key } });
    expect(told.slice(1)).toEqual([{ heard: 1 }, { heard: 2 }]);
    expect(await jobs.hear({ ...input, key: 'heard/stopped' }, control(() => told.length < 5))).toBeUndefined();
    expect(await store.head('validator', 'heard/stopped')).toBeUndefined();
  });

  it('anchors a round between noise and the data\'s own music', async () => {
    const input = { embedder, seed: 'round', styles: ['swing', 'march'], count: 2, promptsSeed: 'anchors', frameRate: RUBY.music.frameRate };
    const anchors = (await jobs.anchors(input, goOn))!;
    expect(anchors.embedder).toContain(embedder.digest);
    expect(anchors.quality.ceiling - anchors.quality.floor).toBeGreaterThan(0.3);
    expect(anchors.diversity).toEqual({ floor: 0, ceiling: expect.toSatisfy((distance: number) => distance > 10) as number });
    expect(await jobs.anchors(input, goOn)).toEqual(anchors);
  });
});

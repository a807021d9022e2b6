import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createJobs } from '../activities/model/jobs.ts';
import type { AdvanceInput, AdvanceStep } from '../activities/model/advance.ts';
import { createSigner } from '../genki/chain/keys.ts';
import { chooseEngine } from '../genki/engine/choose-engine.ts';
import { decodeUpdate, encodeUpdate } from '../genki/federation/compression/update-codec.ts';
import { flatten, layoutOf, type Layout } from '../genki/federation/layout.ts';
import { applyWindow, countedOf, type WindowTerms } from '../genki/federation/window-model.ts';
import { stateDigest } from '../genki/federation/window-state.ts';
import { competitionDigest } from '../genki/protocol/competition.ts';
import type { Dama } from '../genki/protocol/dama.ts';
import { Random } from '../genki/protocol/random.ts';
import { RUBY_WINDOWS } from '../genki/protocol/ruby-windows.ts';
import { contentDigest } from '../genki/protocol/safetensors.ts';
import { signWindowEntry, windowKey, type WindowEntry } from '../genki/protocol/window-log.ts';
import { createFolderStore } from '../genki/store/folder-store.ts';
import type { ObjectRef, ObjectStore } from '../genki/store/object-store.ts';
import type { Context } from './context.ts';
import { type Figure, figureOf } from './figure.ts';
import { readWorkload, THREADS, WEIGHTS_FILE } from './workload.ts';

const WINDOWS = 100;
const PEERS = 5;
/** Updates are drawn once and come round again: a hundred windows of dense ones are 2 GB. */
const DRAWN = 10;
/** Of an update after ten local steps. */
const NORM = 1.5;

/**
 * How long a node that was away for a hundred windows of ruby-nano with five peers needs to be where everybody is: entries,
 * updates, aggregate, outer step and every digest; beside the same windows with updates in float32.
 */
export async function catchUp({ folder, note }: Pick<Context, 'folder' | 'note'>): Promise<Figure[]> {
  const engine = await chooseEngine({ prefer: 'onnx', threads: THREADS });
  const store = createFolderStore(join(folder, 'store'));
  try {
    const work = await readWorkload();
    const layout = layoutOf(work.music);
    const dama: Dama = {
      digest: contentDigest(work.weights),
      weights: await store.putFile('hub', 'model.safetensors', WEIGHTS_FILE),
      config: await store.putOnce('hub', 'config.json', await readFile(join(WEIGHTS_FILE, '..', 'config.json'))),
    };
    const { codec, aggregation, outer, norm } = RUBY_WINDOWS.delta!;
    const took: number[] = [];
    for (const of of [codec, { kind: 'dense' } as const]) {
      const input = await logOf(store, { dama, layout, weights: flatten(layout, work.weights), terms: { codec: of, aggregation, outer, norm } });
      // a process that has loaded nothing
      const { advance } = createJobs({ engine, store });
      const begun = performance.now();
      const state = await advance(input, { progress: async () => true });
      took.push((performance.now() - begun) / 1000);
      note(`${of.kind}: ${(WINDOWS / took.at(-1)!).toFixed(1)} windows a second, ${(input.bytes / WINDOWS / 1024).toFixed(0)} KiB each, to the model ${state!.digest.slice(0, 12)}`);
    }
    return [figureOf({ name: `catch-up/${WINDOWS} windows of ${PEERS}`, unit: 's', ours: took[0]!, peer: took[1]!, peerName: 'the same windows in float32' })];
  } finally {
    await engine.dispose();
  }
}

type Log = { readonly dama: Dama; readonly layout: Layout; readonly weights: Float32Array; readonly terms: WindowTerms };

/** A log as a leader writes it, and what it weighs. */
async function logOf(store: ObjectStore, { dama, layout, weights, terms }: Log): Promise<AdvanceInput & { bytes: number }> {
  const bucket = `leader-${terms.codec.kind}`;
  const signer = createSigner('//leader');
  const drawn: { ref: ObjectRef; update: Float32Array }[] = [];
  for (let i = 0; i < DRAWN; i++) drawn.push(await drawUpdate(store, { bucket, layout, terms, seed: `update ${i}` }));
  const steps: AdvanceStep[] = [];
  let [model, bytes] = [{ weights, momentum: null as Float32Array | null }, 0];
  let previous: WindowEntry['previous'] = null;
  let before = stateDigest(weights, null);
  for (let window = 0; window < WINDOWS; window++) {
    const taken = Array.from({ length: PEERS }, (_, i) => drawn[(window * 3 + i) % DRAWN]!);
    const counted = countedOf(taken.map(({ update }) => update), terms.norm);
    model = applyWindow(model, taken.map(({ update }, i) => ({ update, factor: counted[i]!.factor })), terms);
    const after = stateDigest(model.weights, model.momentum);
    const peers = taken.map(({ ref }, i) => ({ hotkey: `5Peer${i}`, registeredAt: 0, manifest: ref, update: ref, disclosure: null, ...counted[i]! }));
    const entry: WindowEntry = { version: 1, competition: competitionDigest(RUBY_WINDOWS), hotkey: signer.hotkey, rank: 0, window, previous, before, after, peers, refused: [], checkpoint: null };
    const ref = await store.putOnce(bucket, windowKey('rw', window), signWindowEntry(entry, signer));
    steps.push({ window, entry: ref });
    bytes += ref.bytes + taken.reduce((sum, one) => sum + one.ref.bytes, 0);
    previous = { window, hotkey: signer.hotkey, sha256: ref.sha256 };
    before = after;
  }
  return { from: { dama, momentum: null, digest: stateDigest(weights, null) }, steps, terms, competition: competitionDigest(RUBY_WINDOWS), bucket: 'joiner-private', prefix: `states/rw/${terms.codec.kind}`, bytes };
}

async function drawUpdate(store: ObjectStore, { bucket, layout, terms: { codec }, seed }: { bucket: string; layout: Layout; terms: WindowTerms; seed: string }): Promise<{ ref: ObjectRef; update: Float32Array }> {
  const random = new Random(seed);
  const size = NORM / Math.sqrt(layout.size);
  const { file } = encodeUpdate(codec, Float32Array.from({ length: layout.size }, () => size * random.normal()));
  return { ref: await store.putOnce(bucket, `${seed.replace(' ', '-')}.safetensors`, file), update: decodeUpdate(codec, file, layout) };
}

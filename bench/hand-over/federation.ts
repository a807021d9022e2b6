import { performance } from 'node:perf_hooks';
import type { Deployment } from '../../activities/deployment.ts';
import type { Measured } from '../../activities/model/judge.ts';
import type { Trained, TrainInput } from '../../activities/model/train.ts';
import type { Participant } from '../../activities/participants.ts';
import { heldOut } from '../../genki/data/held-out.ts';
import { initialAdapter } from '../../genki/music/adapted-net.ts';
import type { MusicConfig } from '../../genki/music/config.ts';
import { decodeAdapter, encodeAdapter } from '../../genki/music/lora.ts';
import { canonicalJson } from '../../genki/protocol/canonical-json.ts';
import { competitionDigest, readCompetition, type Competition } from '../../genki/protocol/competition.ts';
import { fileDigest, sha256Hex } from '../../genki/protocol/digests.ts';
import { Random } from '../../genki/protocol/random.ts';
import { RUBY_RELAY } from '../../genki/protocol/ruby-relay.ts';
import type { ObjectRef, ObjectStore } from '../../genki/store/object-store.ts';
import type { JudgeInput } from '../../activities/model/judge.ts';

/** As wide and deep as MusicGen small: LoRA of rank 13 on all its linear layers has 8.3 M parameters. */
export const MUSIC: MusicConfig = {
  decoder: { vocabSize: 64, hiddenSize: 1024, numLayers: 24, numHeads: 16, ffnDim: 4096, numCodebooks: 4, maxPositions: 131 },
  text: { kind: 'words', words: ['dungeon'], hiddenSize: 64, maxWords: 4 },
  codec: { kind: 'apu', frameRate: 12, frames: 128 },
};

export const BLOCK_MS = 250;

/** The embedded network's relay with adapters of that size. */
export const COMPETITION: Competition = readCompetition({
  ...RUBY_RELAY,
  lora: { ...RUBY_RELAY.lora, rank: 13, alpha: 26 },
  limits: { ...RUBY_RELAY.limits, adapterBytes: 2 ** 26, adapterElements: 2 ** 24, adapterTensors: 512, updateNorm: 1e6 },
});

/** A deployment whose base is named and configured; nobody here opens its weights. */
export async function deploymentOn(store: ObjectStore, hub: string): Promise<Deployment> {
  const config = await store.putOnce('hub', 'config.json', new TextEncoder().encode(canonicalJson(MUSIC)));
  const genesisDama = { digest: fileDigest('a base'), weights: { ...config, key: 'model.safetensors' }, config };
  return { competition: COMPETITION, competitionDigest: competitionDigest(COMPETITION), genesisDama, blockMs: BLOCK_MS, hub: { hotkey: hub } };
}

/** The file of an adapter as training leaves it. */
export function adapterFile(seed: string): Uint8Array {
  const random = new Random(seed);
  const adapter = initialAdapter(MUSIC, COMPETITION.lora, random);
  for (const { b } of adapter.layers.values()) b.forEach((_, i) => (b[i] = 0.01 * (random.float() - 0.5)));
  return encodeAdapter(adapter);
}

/** Model work of which the hand-over sees nothing but that it is done, or begins: losses of nobody, and a training that ends as soon as it could begin. */
export function modelWork(store: ObjectStore) {
  const begun = new Map<string, number>();
  const adapters = new Map<string, ObjectRef>();
  return {
    /** When each turn's training could begin, by its seed, in milliseconds since 1970. */
    begun,
    activities: {
      async measureCandidates({ candidates, part }: JudgeInput): Promise<Measured> {
        const styles = heldOut(part).map(({ style }) => style);
        const losses = styles.map(() => 1);
        return { styles, base: losses, alone: candidates.map(() => losses), engine: 'none' };
      },
      async trainAdapter({ adapter, bucket, prefix, seed, lora }: TrainInput): Promise<Trained> {
        if (adapter) decodeAdapter(await store.get(adapter, { maxBytes: adapter.bytes }), { music: MUSIC, lora });
        begun.set(seed, performance.timeOrigin + performance.now());
        const file = adapterFile(seed);
        const trained = adapters.get(prefix) ?? (await store.putOnce(bucket, `${prefix}/adapter.safetensors`, file));
        adapters.set(prefix, trained);
        return { adapter: trained, curve: trained, steps: 1, firstLoss: 1, lastLoss: 1, engine: 'none' };
      },
    },
  };
}

/** A miner with music that nobody listens to. */
export function minerOf(name: string, hotkey: string): Participant {
  const ref: ObjectRef = { bucket: `${name}-private`, key: 'dataset', sha256: sha256Hex(new TextEncoder().encode(name)), bytes: 1 };
  return { name, role: 'miner', hotkey, bucket: name, privateBucket: `${name}-private`, dataset: { name, licence: 'CC0-1.0', sharing: 'private', digest: fileDigest(name), clips: 1, ref } };
}

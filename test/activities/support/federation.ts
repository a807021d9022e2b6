import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Deployment } from '../../../activities/deployment.ts';
import type { Participant } from '../../../activities/participants.ts';
import type { Chain, Signer } from '../../../genki/chain/chain.ts';
import { createSigner } from '../../../genki/chain/keys.ts';
import type { Genesis } from '../../../genki/chain/local/genesis.ts';
import { createLocalChain } from '../../../genki/chain/local/local-chain.ts';
import type { LocalNode } from '../../../genki/chain/local/node.ts';
import { serveRpc } from '../../../genki/chain/local/rpc-server.ts';
import { initialAdapter } from '../../../genki/music/adapted-net.ts';
import { encodeAdapter } from '../../../genki/music/lora.ts';
import { initialWeights } from '../../../genki/music/weights.ts';
import { canonicalJson } from '../../../genki/protocol/canonical-json.ts';
import { competitionDigest, readCompetition, type Competition } from '../../../genki/protocol/competition.ts';
import type { Dama } from '../../../genki/protocol/dama.ts';
import { Random } from '../../../genki/protocol/random.ts';
import { RUBY } from '../../../genki/protocol/ruby.ts';
import { contentDigest, encodeSafetensors } from '../../../genki/protocol/safetensors.ts';
import { createFolderStore } from '../../../genki/store/folder-store.ts';
import type { ObjectStore } from '../../../genki/store/object-store.ts';
import { commit, owner, produce, signed, startNode } from '../../genki/chain/support.ts';
import { TOY, TOY_LORA } from '../../genki/music/support/toys.ts';

export const BLOCK_MS = 250;

/** The embedded network's competition over a toy model; its first snapshot is block 8. */
export const competition: Competition = readCompetition({
  ...RUBY,
  music: { ...RUBY.music, model: 'toy', frames: TOY.codec.frames },
  lora: TOY_LORA,
  timing: { ...RUBY.timing, evalDelayBlocks: 3, keyDeadlineBlocks: 6, snapshotOffsetBlocks: 8 },
  limits: { ...RUBY.limits, adapterBytes: 2 ** 16, manifestBytes: 2 ** 12 },
});

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
export const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** A store in a folder of its own, a toy Dama in it, and what everybody agrees on. */
export type Shelf = { readonly root: string; readonly store: ObjectStore; readonly deployment: Deployment; remove(): void };

export async function openShelf(): Promise<Shelf> {
  const root = mkdtempSync(join(tmpdir(), 'genki-activities-'));
  const store = createFolderStore(root);
  const genesisDama = await keepDama(store, 'hub', 'genesis');
  const deployment: Deployment = { competition, competitionDigest: competitionDigest(competition), genesisDama, blockMs: BLOCK_MS };
  return { root, store, deployment, remove: () => rmSync(root, { recursive: true, force: true }) };
}

/** A Dama of random weights. */
export async function keepDama(store: ObjectStore, bucket: string, seed: string, music: unknown = TOY): Promise<Dama> {
  const weights = initialWeights(TOY, new Random(seed));
  return {
    digest: contentDigest(weights),
    weights: await store.putOnce(bucket, `damas/${seed}/model.safetensors`, encodeSafetensors(weights)),
    config: await store.putOnce(bucket, `damas/${seed}/config.json`, bytesOf(canonicalJson(music))),
  };
}

/** The file of an adapter as training leaves it: B is no longer 0. */
export function adapterFile(seed: string, size = 0.1): Uint8Array {
  const random = new Random(seed);
  const adapter = initialAdapter(TOY, TOY_LORA, random);
  for (const { b } of adapter.layers.values()) b.forEach((_, i) => (b[i] = size * random.normal()));
  return encodeAdapter(adapter);
}

/** Somebody of this machine, with the key that belongs to the name. */
export type Actor = Signer & { readonly name: string; readonly bucket: string; readonly privateBucket: string };

export function actor(name: string): Actor {
  const { hotkey, sign } = createSigner(`//${name}`);
  return { name, hotkey, sign, bucket: name, privateBucket: `${name}-private` };
}

export const participant = ({ name, hotkey, bucket, privateBucket }: Actor, role: Participant['role'], more: Partial<Participant> = {}): Participant => ({ name, role, hotkey, bucket, privateBucket, ...more });

/** A chain of its own behind JSON-RPC, whose blocks come when the test asks. */
export type Street = {
  readonly node: LocalNode;
  readonly chain: Chain;
  /** Puts a commitment into the next block; it is final two blocks later. */
  say(who: Signer, data: string): void;
  blocks(count: number): Promise<void>;
  stop(): Promise<void>;
};

export async function openStreet({ validators, miners }: { validators: readonly (readonly [Signer, bigint])[]; miners: readonly Signer[] }, settings: Partial<Genesis> = {}): Promise<Street> {
  const neuron = ({ hotkey }: Signer, stake: bigint, validatorPermit: boolean): Genesis['neurons'][number] => ({ hotkey, coldkey: owner.hotkey, stake: String(stake), validatorPermit });
  const neurons = [...validators.map(([who, stake]) => neuron(who, stake, true)), ...miners.map((who) => neuron(who, 0n, false))];
  const { node, stop } = await startNode({ tempo: 1000, commitmentSpace: 100_000, neurons, ...settings });
  const server = await serveRpc(node, 0);
  const chain = createLocalChain({ url: server.url });
  return {
    node,
    chain,
    say: (who, data) => node.submit(signed(node, commit(data), who).hex),
    blocks: (count) => produce(node, count),
    async stop() {
      await chain.close();
      await server.close();
      await stop();
    },
  };
}

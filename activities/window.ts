import { activityInfo } from '@temporalio/activity';
import * as z from 'zod';
import type { Chain } from '../genki/chain/chain.ts';
import { InvalidInput } from '../genki/errors.ts';
import { adapterConfigJson } from '../genki/music/lora.ts';
import { commitLocation, decodeCommitRecord, encodeCommitRecord } from '../genki/protocol/commit-record.ts';
import type { Competition } from '../genki/protocol/competition.ts';
import { sha256Hex } from '../genki/protocol/digests.ts';
import type { Dama } from '../genki/protocol/dama.ts';
import { ADAPTER_FILE, manifestCommit, manifestHash, manifestKey, type AdapterManifest, type ManifestBody } from '../genki/protocol/manifest.ts';
import { keyFileOf, MAX_KEY_FILE_BYTES } from '../genki/protocol/sealing.ts';
import { windowBounds, windowOf } from '../genki/protocol/window.ts';
import type { ObjectRef, ObjectStore } from '../genki/store/object-store.ts';
import type { Trained, TrainInput } from './model/train.ts';
import { forgetCheckpoints } from './model/training-progress.ts';
import { currentDama } from './current-dama.ts';
import type { Deployment } from './deployment.ts';
import { parseInput } from './parse-input.ts';
import { participantOf, withoutRef, type Participant } from './participants.ts';
import { Reference } from './reference.ts';
import { relayWindowOf, type RelayWindow } from './relay-window.ts';
import { sealFile, shortDigest, type Sealed } from './seal-file.ts';

export type { Sealed } from './seal-file.ts';

/** What a person may say; everything else is read from the chain and the configuration, and recorded. */
export const WindowInput = z.strictObject({
  /** Hotkey or name of a miner of this machine; default: its first one. */
  hotkey: z.string().min(1).optional(),
  /** Training steps; default: the competition's. */
  steps: z.int().min(1).max(1_000_000).optional(),
  /** Submit this adapter, made elsewhere, instead of training one. */
  adapter: Reference.optional(),
  /** Only to be sure which one it is: a window is always the chain's current one. */
  window: z.int().nonnegative().optional(),
});
export type WindowInput = z.infer<typeof WindowInput>;

/** A window, complete: nothing after this reads "the latest" of anything. */
export type Window = {
  readonly hotkey: string;
  readonly netuid: number;
  readonly miner: string;
  readonly competition: string;
  readonly index: number;
  readonly lastBlock: number;
  readonly adapterId: string;
  /** Of the Dama that is trained on. */
  readonly base: string;
  readonly bucket: string;
  /** Where the miner keeps what nobody else reads. */
  readonly privateBucket: string;
  readonly work: Work;
};
/** Training on the miner's own music, or an adapter that was made elsewhere. */
export type Work = { readonly kind: 'train'; readonly dataset: NonNullable<Participant['dataset']>; readonly input: TrainInput } | { readonly kind: 'given'; readonly adapter: ObjectRef };
/** `owed`: the key of the miner's newest commitment, which whoever made it did not live to publish. */
export type Resolved = ({ readonly kind: 'ready'; readonly window: Window } | { readonly kind: 'skipped'; readonly reason: string }) & { readonly owed?: SignedKey };
/** A window of a competition that exchanges something else than adapters of one's own. */
export type OtherWindow = { readonly kind: 'delta' } | { readonly kind: 'relay'; readonly window: RelayWindow };
export type Published = { readonly manifest: ObjectRef; /** its first 40 hex digits, which name it */ readonly commit: string; /** the commit record, hex */ readonly record: string };
/** A signed key that waits in the private bucket, by its manifest's commit. */
export type SignedKey = { readonly bucket: string; readonly privateBucket: string; readonly commit: string };

export type WindowDeps = { readonly chain: Chain; readonly store: ObjectStore; readonly deployment: Deployment; readonly participants: () => Promise<readonly Participant[]>; readonly defaultHotkey: string | undefined };
export type WindowActivities = ReturnType<typeof createWindowActivities>;

const LOSS_CURVE_FILE = 'loss-curve.json';
/** Steps between checkpoints: at most a few seconds of the small model's work are done twice, a step of the large one. */
const checkpointEverySteps = ({ checkpointing = false }: TrainInput['hyper']): number => (checkpointing ? 1 : 10);

export const createWindowActivities = ({ chain, store, deployment, participants, defaultHotkey }: WindowDeps) => ({
  /** Fills in everything that the input leaves open, at the finalized head. */
  async resolveWindow(input: unknown): Promise<Resolved | OtherWindow> {
    const { hotkey, steps, adapter, window: wanted } = parseInput(WindowInput, input, 'trainingWindow');
    const { competition } = deployment;
    if (competition.exchange === 'delta') return { kind: 'delta' };
    const miner = participantOf(await participants(), 'miner', hotkey ?? defaultHotkey);
    const { netuid, timing: { windowBlocks } } = competition;
    const head = await chain.head();
    const index = windowOf(head.number, windowBlocks);
    if (wanted !== undefined && wanted > index) throw new InvalidInput(`Expected the current window, ${index}, got ${wanted}`);
    if (wanted !== undefined && wanted < index) return { kind: 'skipped', reason: `window ${wanted} has passed, the chain is in window ${index}` };
    if (head.number < competition.activationBlock) return { kind: 'skipped', reason: `the competition begins at block ${competition.activationBlock}, the chain is at ${head.number}` };
    const { first, last } = windowBounds(index, windowBlocks);
    if (competition.exchange === 'relay') return { kind: 'relay', window: relayWindowOf(miner, { deployment, window: { index, last }, steps }) };
    // that it fits is better known before the training than after
    recordOf(competition, { bucket: miner.bucket, commit: '0'.repeat(40), hash: '0'.repeat(44) });
    const mine = (await chain.commitments(netuid, head.hash)).find((c) => c.hotkey === miner.hotkey);
    const owed = mine && (await owedKey(store, competition, { miner, record: mine.data }));
    if (mine && mine.block >= first) return { kind: 'skipped', reason: `already committed in window ${index}, at block ${mine.block}`, ...(owed && { owed }) };
    const { dama } = await currentDama({ chain, store, deployment }, await chain.metagraph(netuid, head.hash));
    const window: Window = {
      hotkey: miner.hotkey,
      netuid,
      miner: miner.name,
      competition: competition.id,
      index,
      lastBlock: last,
      adapterId: `${competition.id}/${miner.hotkey}`,
      base: dama.digest,
      bucket: miner.bucket,
      privateBucket: miner.privateBucket,
      work: adapter ? { kind: 'given', adapter } : trainingOf(miner, { deployment, base: dama, index, steps }),
    };
    return { kind: 'ready', window, ...(owed && { owed }) };
  },

  /** The adapter, sealed, in the public bucket; whoever does this again makes the same bytes of the same adapter. */
  async sealAdapter({ window, adapter }: { window: Window; adapter: ObjectRef }): Promise<Sealed> {
    const { competition: { limits }, competitionDigest: competition } = deployment;
    const body = await store.get(adapter, { maxBytes: limits.adapterBytes });
    const { hotkey, index, bucket, privateBucket } = window;
    const sealed = await sealFile(store, body, { hotkey, competition, window: index, bucket, privateBucket, folder: 'adapters' });
    if (window.work.kind === 'train') await forgetCheckpoints(store, window.work.input);
    return sealed;
  },

  /** What the miner is going to sign, beside PEFT's configuration file. */
  async draftManifest({ window, fence, sealed, trained }: { window: Window; fence: number; sealed: Sealed; trained?: Trained }): Promise<ManifestBody> {
    const config = new TextEncoder().encode(adapterConfigJson(deployment.competition.lora, window.base));
    const publish = (bytes: Uint8Array): Promise<ObjectRef> => store.putOnce(window.bucket, `adapters/${sha256Hex(bytes)}.json`, bytes);
    const curve = trained?.curve && (await store.get(trained.curve, { maxBytes: trained.curve.bytes }));
    const body: AdapterManifest = {
      version: 1,
      kind: 'adapter',
      run: activityInfo().workflowExecution!.runId,
      competition: deployment.competitionDigest,
      hotkey: window.hotkey,
      base: window.base,
      window: window.index,
      fence,
      files: [
        { name: ADAPTER_FILE, ref: sealed.file, content: sealed.content },
        { name: 'adapter_config.json', ref: await publish(config) },
        ...(curve ? [{ name: LOSS_CURVE_FILE, ref: await publish(curve) }] : []),
      ],
      ...(trained && window.work.kind === 'train' && {
        dataset: withoutRef(window.work.dataset),
        training: { steps: trained.steps, firstLoss: trained.firstLoss, lastLoss: trained.lastLoss, engine: trained.engine },
      }),
    };
    return body;
  },

  /** Keeps a signed manifest where its commit record says, and makes that record. */
  async publishManifest({ bucket, text }: { bucket: string; text: string }): Promise<Published> {
    const bytes = new TextEncoder().encode(text);
    const manifest = await store.putOnce(bucket, manifestKey(bytes), bytes);
    const { body } = JSON.parse(text) as { body: ManifestBody };
    const commit = manifestCommit(bytes);
    return { manifest, commit, record: recordOf(deployment.competition, { bucket, commit, hash: manifestHash(bytes, body) }) };
  },

  /** Makes the signed key public, beside its manifest: not before that is committed for good. */
  async publishKey({ bucket, privateBucket, commit }: SignedKey): Promise<ObjectRef> {
    const file = keyFileOf(commit);
    return await store.putOnce(bucket, file, await store.getByKey(privateBucket, file, { maxBytes: MAX_KEY_FILE_BYTES }));
  },
});

async function owedKey(store: ObjectStore, { endpoints }: Competition, { miner, record }: { miner: Participant; record: string }): Promise<SignedKey | undefined> {
  const { bucket, privateBucket } = miner;
  const decoded = decodeCommitRecord(record);
  const location = decoded.ok ? commitLocation(decoded.value, new Set(Object.keys(endpoints))) : decoded;
  if (!decoded.ok || !location.ok || location.value.kind !== 'bucket' || location.value.bucket !== bucket) return undefined;
  const commit = decoded.value.commit!;
  const isOwed = (await store.head(privateBucket, keyFileOf(commit))) !== undefined && (await store.head(bucket, keyFileOf(commit))) === undefined;
  return isOwed ? { bucket, privateBucket, commit } : undefined;
}

/** @throws {InvalidInput} when the bucket's name is too long for it */
export function recordOf({ endpoints, id }: Competition, { bucket, commit, hash }: { bucket: string; commit: string; hash: string }): string {
  const [endpoint] = Object.keys(endpoints);
  return encodeCommitRecord({ namespace: endpoint!, name: bucket, commit, hash, competition: id });
}

function trainingOf(miner: Participant, { deployment, base, index, steps }: { deployment: Deployment; base: Dama; index: number; steps: number | undefined }): Work {
  const { dataset, privateBucket: bucket, hotkey, name } = miner;
  if (dataset === undefined) throw new InvalidInput(`Expected a dataset of ${name} in the participants file, got none`);
  const { competition, competitionDigest } = deployment;
  const { hyper, replay, replayRows } = competition.training;
  const seed = `${competitionDigest}/${hotkey}/${index}`;
  const recipe = { base, dataset: dataset.ref, replay, replayRows, lora: competition.lora, hyper: { ...hyper, steps: steps ?? hyper.steps }, seed };
  const prefix = `training/${shortDigest(recipe)}`;
  return { kind: 'train', dataset, input: { ...recipe, bucket, prefix, checkpointEverySteps: checkpointEverySteps(recipe.hyper) } };
}

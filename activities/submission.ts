import { setImmediate } from 'node:timers/promises';
import type { Chain } from '../genki/chain/chain.ts';
import { verifySignature } from '../genki/chain/keys.ts';
import { BadSubmission, faultOf, StoreUnavailable } from '../genki/errors.ts';
import { deduplicate } from '../genki/evaluation/duplicates.ts';
import { decodeHeard } from '../genki/evaluation/clap/heard-file.ts';
import { encodeGram } from '../genki/evaluation/gram-file.ts';
import { outputSimilarity } from '../genki/evaluation/output-similarity.ts';
import type { SimilarityKind } from '../genki/evaluation/round-report.ts';
import { MAX_ACCEPTED } from '../genki/evaluation/selection.ts';
import { closestEarlier, gramRow, updateCosine, type Similarity } from '../genki/evaluation/similarity.ts';
import { readMusicConfig, type MusicConfig } from '../genki/music/config.ts';
import { decodeAdapter, updateNorm, type Adapter } from '../genki/music/lora.ts';
import { canonicalJson } from '../genki/protocol/canonical-json.ts';
import { byCommit } from '../genki/protocol/commit-order.ts';
import { commitLocation, decodeCommitRecord } from '../genki/protocol/commit-record.ts';
import { sha256Hex } from '../genki/protocol/digests.ts';
import type { CommittedUpdate, LedgerRef } from '../genki/protocol/first-seen.ts';
import { ADAPTER_FILE, manifestCommit, verifyManifest } from '../genki/protocol/manifest.ts';
import { contentDigest, decodeSafetensors } from '../genki/protocol/safetensors.ts';
import { SEAL_BYTES, unseal, type Content } from '../genki/protocol/sealing.ts';
import type { ObjectRef, ObjectStore } from '../genki/store/object-store.ts';
import { standingsAt, totalStakeOf, type Standing } from './current-dama.ts';
import type { Deployment } from './deployment.ts';
import { consultLedger, keepLedger } from './first-seen.ts';
import { frozenKey, lastAccepted, type EarlierUpdate } from './last-accepted.ts';
import { publishedKey } from './published-key.ts';
import { unlessRefused } from './refusals.ts';
import type { RoundContext, Submission } from './round.ts';

/** A submission as it was committed, checked and frozen in the validator's own bucket. */
export type Fetched = { readonly adapter: ObjectRef; /** content digest */ readonly digest: string; readonly norm: number };

/** Of each submission what came earlier and is closest to it: one of this round by its index, or whoever the ledger names. */
export type Likeness = Similarity & { readonly hotkey?: string };

export type Compared = {
  readonly similarities: readonly Likeness[];
  readonly originals: readonly number[];
  readonly duplicates: readonly { readonly index: number; readonly similarity: number; readonly reason: string }[];
  /** Inner products of their updates, as `encodeGram` keeps them. */
  readonly gram: ObjectRef;
  /** With all of these in it. */
  readonly ledger: LedgerRef;
  /** Why it is not the ledger that it should be, in words. */
  readonly note?: string;
};

export type ComparisonInput = {
  readonly round: RoundContext;
  /** In commit order. */
  readonly submissions: readonly (Fetched & Pick<Submission, 'hotkey' | 'commitBlock' | 'commitIndex'>)[];
  /** What was heard of each, and of the Dama that all were made from; from which mean cosine on two pieces are alike. */
  readonly outputs?: { readonly heard: readonly ObjectRef[]; readonly base: ObjectRef; readonly alike: number };
};

export type SubmissionDeps = { readonly chain: Chain; readonly store: ObjectStore; readonly deployment: Deployment };
export type SubmissionActivities = ReturnType<typeof createSubmissionActivities>;

const MAX_CONFIG_BYTES = 2 ** 20;

export const createSubmissionActivities = ({ chain, store, deployment }: SubmissionDeps) => ({
  /**
   * What the miner committed: the manifest and the adapter that its record binds, opened with the key that it published,
   * and nothing else. What is wrong with them is remembered, and they are not fetched again before there is a new
   * commitment or another Dama.
   * @throws {BadSubmission} {ChecksumMismatch} {ObjectMissing} {TooLarge} each the miner's fault
   * @throws {NewerSchema} {StoreUnavailable} {ChainUnavailable} {InvalidInput} {KeyNotPublished} none of them is
   */
  async fetchSubmission({ round, submission }: { round: RoundContext; submission: Submission }): Promise<Fetched> {
    const music = await musicOf(store, round).catch(notItsFault);
    const place = { store, bucket: round.privateBucket, key: refusalKey(round, submission) };
    const { bytes, digest, norm } = await unlessRefused(place, async () => {
      const committed = await openCommitted({ chain, store, deployment }, { round, submission });
      const { adapterBytes, adapterTensors: maxTensors, adapterElements: maxElements, updateNorm: maxNorm } = deployment.competition.limits;
      const { bucket, commit } = committed;
      const { hotkey, commitBlock } = submission;
      const deadline = commitBlock + deployment.competition.timing.keyDeadlineBlocks;
      const key = await publishedKey({ chain, store, blockMs: deployment.blockMs }, { bucket, commit, hotkey, deadline });
      const sealed = await store.get(committed.file, { maxBytes: adapterBytes + SEAL_BYTES });
      const body = unseal(sealed, key, { hotkey, competition: round.competition.digest, content: committed.content });
      const { tensors } = decodeSafetensors(body, { maxTensors, maxElements });
      const adapter = decodeAdapter(body, { music, lora: round.lora, maxNorm });
      return { bytes: body, digest: contentDigest(tensors), norm: updateNorm(adapter) };
    });
    const frozen = await store.putOnce(round.bucket, frozenKey(sha256Hex(bytes)), bytes).catch(notItsFault);
    return { adapter: frozen, digest, norm };
  },

  /** How alike the submissions are, to each other and to whatever was handed in before, and which are copies. */
  async compareSubmissions({ round, submissions, outputs }: ComparisonInput): Promise<Compared> {
    const music = await musicOf(store, round);
    const adapters = [];
    for (const { adapter } of submissions) adapters.push(decodeAdapter(await store.get(adapter, { maxBytes: adapter.bytes }), { music, lora: round.lora }));
    const gram: number[][] = [];
    for (const index of adapters.keys()) {
      gram.push(gramRow(adapters, index));
      // a pair takes milliseconds, and 256 miners make 32,640: in between the worker has other things to do
      await setImmediate();
    }
    const { copyCosine } = round.thresholds;
    const standings = await standingsBefore({ chain, store, deployment }, round);
    const updates = submissions.map(({ digest, hotkey, commitBlock, commitIndex }) => ({ digest, hotkey, base: round.base.digest, commitBlock, commitIndex }));
    const accepted = decodedFrom(await lastAccepted(store, standings.standings, { bytes: deployment.competition.limits.adapterBytes, updates: MAX_ACCEPTED }), { music, lora: round.lora });
    const { seen, firsts, ledger, note } = await consultLedger({ store, ...standings }, updates, accepted.map(({ digest }) => digest));
    const past = theirsByLedger(firsts, accepted);
    const known: (Known | undefined)[] = [];
    for (const [index, adapter] of adapters.entries()) {
      const first = seen[index];
      known.push(first ? { hotkey: first.first.hotkey, similarity: 1, by: 'ledger', reason: first.reason } : replayOf(adapter, past, { ...submissions[index]!, base: round.base.digest, copyCosine }));
      await setImmediate();
    }
    const taken = new Set(known.flatMap((one, index) => (one ? [index] : [])));
    const comparables = { digests: submissions.map(({ digest }) => digest), gram, taken, copyCosine, ...(outputs && { outputs: await outputsOf(store, outputs) }) };
    const found = submissions.map((_, index) => closestEarlier(comparables, index));
    const gramFile = encodeGram(gram);
    return {
      ...withKnown(found, known, copyCosine),
      // under its content's own name: a dry run, or a round begun again, may have had other submissions
      gram: await store.putOnce(round.privateBucket, `${round.prefix}/gram-${sha256Hex(gramFile).slice(0, 16)}.f64`, gramFile),
      ledger: await keepLedger(store, round.bucket, ledger),
      ...(note !== undefined && { note }),
    };
  },
});

/** What validators stood for before this round. */
async function standingsBefore(deps: SubmissionDeps, { netuid, epoch, snapshot }: RoundContext): Promise<{ standings: Standing[]; totalStake: bigint }> {
  const metagraph = await deps.chain.metagraph(netuid, snapshot.hash);
  return { standings: (await standingsAt(deps, metagraph)).filter(({ manifest }) => manifest.epoch < epoch), totalStake: totalStakeOf(metagraph) };
}

/** What a submission was taken from that is older than this round. */
type Known = { readonly hotkey: string; readonly similarity: number; readonly by: SimilarityKind; readonly reason: string };
type Past = CommittedUpdate & { readonly adapter: Adapter };

/** One that does not fit this model any more is nothing to compare with. */
function decodedFrom(updates: readonly EarlierUpdate[], expected: { music: MusicConfig; lora: RoundContext['lora'] }): (Pick<Past, 'hotkey' | 'digest' | 'adapter'>)[] {
  return updates.flatMap(({ hotkey, file }) => {
    try {
      return [{ hotkey, digest: contentDigest(decodeSafetensors(file).tensors), adapter: decodeAdapter(file, expected) }];
    } catch (error) {
      if (!faultOf(error)) throw error;
      return [];
    }
  });
}

/** Whose an update is, for which Dama and since when is for the ledger to say: the report is one validator's word. */
function theirsByLedger(firsts: ReadonlyMap<string, CommittedUpdate>, updates: ReturnType<typeof decodedFrom>): Past[] {
  return updates.flatMap(({ hotkey, digest, adapter }) => {
    const first = firsts.get(digest);
    return first?.hotkey === hotkey ? [{ ...first, adapter }] : [];
  });
}

/** An earlier update that the last round accepted, in another guise: another's, or one's own for the Dama before. The ledger knows contents only. */
function replayOf(adapter: Adapter, past: readonly Past[], { copyCosine, ...own }: Pick<CommittedUpdate, 'hotkey' | 'base' | 'commitBlock' | 'commitIndex'> & { copyCosine: number }): Known | undefined {
  const others = past.filter((one) => (one.hotkey !== own.hotkey || one.base !== own.base) && byCommit(one, own) < 0);
  const closest = others.map((one) => ({ ...one, similarity: Math.abs(updateCosine(adapter, one.adapter)) })).reduce<(Past & { similarity: number }) | undefined>((best, one) => (one.similarity > (best?.similarity ?? 0) ? one : best), undefined);
  if (!closest || closest.similarity < copyCosine) return undefined;
  const { similarity } = closest;
  return { hotkey: closest.hotkey, similarity, by: 'past', reason: `copy of an update that the last round accepted: similarity ${similarity.toFixed(3)}, ${copyCosine} or more is a copy` };
}

/** What is older than this round is a copy, whatever else it is like. */
function withKnown(found: readonly Similarity[], known: readonly (Known | undefined)[], copyCosine: number): Pick<Compared, 'similarities' | 'originals' | 'duplicates'> {
  const { originals, duplicates } = deduplicate(found, copyCosine);
  const older = known.flatMap((one, index) => (one && found[index]!.by !== 'digest' ? [{ index, similarity: one.similarity, reason: one.reason }] : []));
  const isOlder = (index: number): boolean => older.some((one) => one.index === index);
  return {
    similarities: found.map((one, index) => {
      const from = isOlder(index) ? known[index] : undefined;
      return from ? { similarity: from.similarity, by: from.by, hotkey: from.hotkey } : one;
    }),
    originals: originals.filter((index) => !isOlder(index)),
    duplicates: [...duplicates.filter(({ index }) => !isOlder(index)), ...older].sort((a, b) => a.index - b.index),
  };
}

/** Likeness of what two submissions play, pair by pair. */
async function outputsOf(store: ObjectStore, { heard, base, alike }: NonNullable<ComparisonInput['outputs']>): Promise<(index: number, earlier: number) => number> {
  const clipsOf = async (ref: ObjectRef): Promise<Float32Array[]> => decodeHeard(await store.get(ref, { maxBytes: ref.bytes })).map(({ clip }) => clip);
  const own = await clipsOf(base);
  const clips: Float32Array[][] = [];
  for (const ref of heard) clips.push(await clipsOf(ref));
  return (index, earlier) => outputSimilarity(clips[index]!, clips[earlier]!, { floor: alike, base: own });
}

/** A sealed adapter as its manifest, which lies in this bucket under this commit, names it. */
type Committed = { readonly bucket: string; readonly commit: string; readonly file: ObjectRef; readonly content: Content };

/** The adapter, once record and manifest are what they should be. */
async function openCommitted({ store, deployment }: SubmissionDeps, { round, submission }: { round: RoundContext; submission: Submission }): Promise<Committed> {
  const { limits, endpoints } = deployment.competition;
  const record = decodeCommitRecord(submission.data);
  if (!record.ok) throw new BadSubmission(record.reason);
  const location = commitLocation(record.value, new Set(Object.keys(endpoints)));
  if (!location.ok) throw new BadSubmission(location.reason);
  if (location.value.kind !== 'bucket') throw new BadSubmission(`Expected a bucket of ${Object.keys(endpoints).join(', ')}, got the repository ${location.value.repository}`);
  const { bucket, manifestKey } = location.value;
  const manifest = await store.getByKey(bucket, manifestKey, { maxBytes: limits.manifestBytes });
  const expected = { kind: 'adapter', hotkey: submission.hotkey, competition: round.competition.digest, base: round.base.digest, bucket, record: record.value } as const;
  const { files } = verifyManifest(manifest, expected, verifySignature);
  const file = files.find(({ name }) => name === ADAPTER_FILE);
  if (!file) throw new BadSubmission(`Expected the file ${ADAPTER_FILE} in the manifest, got ${files.map(({ name }) => name).join(', ')}`);
  if (!file.content) throw new BadSubmission(`Expected the file ${ADAPTER_FILE} sealed until its commit is final, got it open`);
  return { bucket, commit: manifestCommit(manifest), file: file.ref, content: file.content };
}

/** A commitment may be right for one Dama and wrong for the next one. */
function refusalKey({ competition, base }: RoundContext, { hotkey, commitBlock, commitIndex, data }: Submission): string {
  const looked = canonicalJson({ competition: competition.digest, base: base.digest, hotkey, commitBlock, commitIndex, data });
  return `refused/${sha256Hex(new TextEncoder().encode(looked))}.json`;
}

/** What is missing or wrong among the round's own objects, and the validator's. */
function notItsFault(error: unknown): never {
  if (!faultOf(error)) throw error;
  throw new StoreUnavailable(`Expected the round's own objects: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
}

/** The configuration of the model that a round is about. */
export const musicOf = async (store: ObjectStore, round: Pick<RoundContext, 'base'>): Promise<MusicConfig> =>
  readMusicConfig(JSON.parse(new TextDecoder().decode(await store.get(round.base.config, { maxBytes: MAX_CONFIG_BYTES }))));

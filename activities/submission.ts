import { verifySignature } from '../genki/chain/keys.ts';
import { BadSubmission, faultOf, StoreUnavailable } from '../genki/errors.ts';
import { deduplicate } from '../genki/evaluation/duplicates.ts';
import { similarities, type Similarity } from '../genki/evaluation/similarity.ts';
import { clipToMedianNorm } from '../genki/federation/norm-clip.ts';
import { readMusicConfig, type MusicConfig } from '../genki/music/config.ts';
import { decodeAdapter, updateNorm } from '../genki/music/lora.ts';
import { canonicalJson } from '../genki/protocol/canonical-json.ts';
import { commitLocation, decodeCommitRecord } from '../genki/protocol/commit-record.ts';
import { sha256Hex } from '../genki/protocol/digests.ts';
import { verifyManifest } from '../genki/protocol/manifest.ts';
import { contentDigest, decodeSafetensors } from '../genki/protocol/safetensors.ts';
import type { ObjectRef, ObjectStore } from '../genki/store/object-store.ts';
import type { Deployment } from './deployment.ts';
import { unlessRefused } from './refusals.ts';
import type { RoundContext, Submission } from './round.ts';

/** A submission as it was committed, checked and frozen in the validator's own bucket. */
export type Fetched = { readonly adapter: ObjectRef; /** content digest */ readonly digest: string; readonly norm: number };

export type Compared = {
  readonly similarities: readonly Similarity[];
  readonly originals: readonly number[];
  readonly duplicates: readonly { readonly index: number; readonly to: number; readonly similarity: number; readonly reason: string }[];
  /** What each update is multiplied by, so that none is longer than the originals' median. */
  readonly factors: readonly number[];
};

export type SubmissionDeps = { readonly store: ObjectStore; readonly deployment: Deployment };
export type SubmissionActivities = ReturnType<typeof createSubmissionActivities>;

const ADAPTER_FILE = 'adapter_model.safetensors';
const MAX_CONFIG_BYTES = 2 ** 20;

export const createSubmissionActivities = ({ store, deployment }: SubmissionDeps) => ({
  /**
   * What the miner committed: the manifest and the adapter that its record binds, and nothing else. What is wrong with
   * them is remembered, and they are not fetched again before there is a new commitment or another Dama.
   * @throws {BadSubmission} {ChecksumMismatch} {ObjectMissing} {TooLarge} each the miner's fault
   * @throws {NewerSchema} {StoreUnavailable} {InvalidInput} none of them is
   */
  async fetchSubmission({ round, submission }: { round: RoundContext; submission: Submission }): Promise<Fetched> {
    const music = await musicOf(store, round).catch(notItsFault);
    const place = { store, bucket: round.privateBucket, key: refusalKey(round, submission) };
    const { bytes, digest, norm } = await unlessRefused(place, async () => {
      const file = await openCommitted({ store, deployment }, { round, submission });
      const { adapterBytes: maxBytes, adapterTensors: maxTensors, adapterElements: maxElements, updateNorm: maxNorm } = deployment.competition.limits;
      const body = await store.get(file, { maxBytes });
      const { tensors } = decodeSafetensors(body, { maxTensors, maxElements });
      const adapter = decodeAdapter(body, { music, lora: round.lora, maxNorm });
      return { bytes: body, digest: contentDigest(tensors), norm: updateNorm(adapter) };
    });
    const frozen = await store.putOnce(round.bucket, `frozen/${sha256Hex(bytes)}.safetensors`, bytes).catch(notItsFault);
    return { adapter: frozen, digest, norm };
  },

  /** How alike the submissions are, which are copies, and by how much long ones are clipped. */
  async compareSubmissions({ round, submissions }: { round: RoundContext; submissions: readonly Fetched[] }): Promise<Compared> {
    const music = await musicOf(store, round);
    const decoded = await Promise.all(
      submissions.map(async ({ adapter, digest }) => ({ digest, adapter: decodeAdapter(await store.get(adapter, { maxBytes: adapter.bytes }), { music, lora: round.lora }) })),
    );
    const found = similarities(decoded);
    const { copyCosine, normFloor: floor, normCap: cap } = round.thresholds;
    const { originals, duplicates } = deduplicate(found, copyCosine);
    const clipped = clipToMedianNorm(originals.map((i) => submissions[i]!.norm), { floor, cap });
    const factors = submissions.map(() => 1);
    originals.forEach((index, i) => { factors[index] = clipped[i]!; });
    return { similarities: found, originals, duplicates, factors };
  },
});

/** Where the adapter lies, once record and manifest are what they should be. */
async function openCommitted({ store, deployment }: SubmissionDeps, { round, submission }: { round: RoundContext; submission: Submission }): Promise<ObjectRef> {
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
  return file.ref;
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

const musicOf = async (store: ObjectStore, round: RoundContext): Promise<MusicConfig> =>
  readMusicConfig(JSON.parse(new TextDecoder().decode(await store.get(round.base.config, { maxBytes: MAX_CONFIG_BYTES }))));

import { dirname, resolve } from 'node:path';
import { createSigner, verifySignature } from '../../../genki/chain/keys.ts';
import { BadSubmission, InvalidInput, NewerSchema } from '../../../genki/errors.ts';
import { readReport } from '../../../genki/evaluation/read-report.ts';
import { leaderboard } from '../../../genki/evaluation/round-report.ts';
import { readMusicConfig } from '../../../genki/music/config.ts';
import { delayedLength } from '../../../genki/music/delay-pattern.ts';
import { weightSpecs } from '../../../genki/music/weights.ts';
import { canonicalJson } from '../../../genki/protocol/canonical-json.ts';
import { commitLocation, decodeCommitRecord, encodeCommitRecord } from '../../../genki/protocol/commit-record.ts';
import { competitionDigest, readCompetition } from '../../../genki/protocol/competition.ts';
import { fileDigest } from '../../../genki/protocol/digests.ts';
import { manifestCommit, manifestHash, signManifest, verifyManifest, type AdapterManifest } from '../../../genki/protocol/manifest.ts';
import type { Random } from '../../../genki/protocol/random.ts';
import { RUBY } from '../../../genki/protocol/ruby.ts';
import { readShardIndex } from '../../../genki/protocol/shard-index.ts';
import { signJson } from '../../../genki/protocol/signed-json.ts';
import { parseJson } from '../../../activities/parse-json.ts';
import { plainText } from '../../../activities/plain-text.ts';
import { mutateJson } from '../mutate-json.ts';
import { accepted, holds, type Target } from '../target.ts';

const KiB = 2 ** 10;
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
export const json = (value: unknown): Uint8Array => bytesOf(JSON.stringify(value));
/** Changes of what JSON says; at most so many bytes of it. */
export const mutatedJson = (maxBytes: number) => (bytes: Uint8Array, random: Random): Uint8Array => bytesOf(mutateJson(JSON.parse(new TextDecoder().decode(bytes)), random, maxBytes));

const miner = createSigner('//miner-1');
const digest = fileDigest('fuzz');
const ref = (key: string) => ({ bucket: 'miner-1', key, sha256: 'ab'.repeat(32), bytes: 10 });
const BODY: AdapterManifest = {
  version: 1, kind: 'adapter', run: 'training/rn/7', competition: digest, hotkey: miner.hotkey, base: digest, window: 7, fence: 1,
  files: [{ name: 'adapter_model.safetensors', ref: ref('adapters/7/a') }, { name: 'adapter_config.json', ref: ref('adapters/7/b') }],
  dataset: { name: 'my songs', licence: 'CC0-1.0', sharing: 'private', digest, clips: 64 },
  training: { steps: 40, firstLoss: 2.5, lastLoss: 0.75, engine: 'onnx' },
};
const MANIFESTS = [signManifest(BODY, miner), signManifest({ ...BODY, window: 8 }, miner)];
const SIGNED = new Set(MANIFESTS.map(fileDigest));
const EXPECTED = { kind: 'adapter', hotkey: miner.hotkey, competition: digest, base: digest, bucket: 'miner-1' } as const;

/** Nobody else's bytes are taken for the signer's, whatever was changed in them. */
const manifest: Target = {
  name: 'manifest',
  weight: 14,
  maxBytes: 64 * KiB,
  valid: MANIFESTS,
  mutate: mutatedJson(64 * KiB),
  check: (bytes) => {
    const read = accepted([BadSubmission, NewerSchema], () => verifyManifest(bytes, EXPECTED, verifySignature));
    if (read === undefined) return 'refused';
    holds(SIGNED.has(fileDigest(bytes)), 'a manifest that was signed, byte for byte');
    const record = { commit: manifestCommit(bytes), hash: manifestHash(bytes, read) };
    holds(JSON.stringify(verifyManifest(bytes, { ...EXPECTED, record }, verifySignature)) === JSON.stringify(read), 'the same manifest by its record');
    return 'accepted';
  },
};

/** A miner may sign whatever it likes. */
const signedManifest: Target = {
  name: 'signed-manifest',
  weight: 5,
  maxBytes: 64 * KiB,
  valid: [json(BODY)],
  mutate: mutatedJson(32 * KiB),
  check: (bytes) => {
    const body: unknown = parseJson(bytes);
    const file = accepted([InvalidInput], () => signJson('genki-manifest-v1:', body, miner));
    if (file === undefined || file.byteLength > 64 * KiB) return 'refused';
    const read = accepted([BadSubmission, NewerSchema], () => verifyManifest(file, EXPECTED, verifySignature));
    if (read === undefined) return 'refused';
    holds(canonicalJson(read) === canonicalJson(body), 'a manifest that says what was signed');
    holds(signManifest(read, miner).byteLength > 0, 'a manifest that could have been written');
    return 'accepted';
  },
};

const RECORD = { namespace: 'local', name: 'miner-1', commit: 'ab'.repeat(20), hash: digest, competition: 'rn' };
const commitRecord: Target = {
  name: 'commit-record',
  weight: 8,
  maxBytes: 512,
  valid: [RECORD, { ...RECORD, namespace: 'someone', name: 'a-repo', hash: null }].map((record) => Uint8Array.from(Buffer.from(encodeCommitRecord(record), 'hex'))),
  check: (bytes) => {
    const read = decodeCommitRecord(bytes);
    const asHex = decodeCommitRecord(Buffer.from(bytes).toString('hex'));
    holds(JSON.stringify(asHex) === JSON.stringify(read), 'the same from hex');
    const asText = decodeCommitRecord(Buffer.from(bytes).toString('latin1'));
    holds(asText.ok || /expected/.test(asText.reason), 'a reason');
    if (!read.ok) {
      holds(read.reason.length < 500 && plainText(read.reason).includes('expected'), 'a short reason that says what was expected');
      return 'refused';
    }
    holds(encodeCommitRecord(read.value) === Buffer.from(bytes).toString('hex'), 'the same bytes after encoding again');
    const location = commitLocation(read.value, new Set(['local']));
    if (!location.ok) return 'refused';
    holds(Object.values(location.value).every((part) => !part.includes('..') || location.value.kind === 'repository'), 'names that stay where they are');
    return 'accepted';
  },
};

const REPORT = {
  version: 2, netuid: 1, epoch: 3, competition: { id: 'rn', digest }, snapshot: { number: 9, hash: '0x00' }, seeds: { a: 'b' }, engine: 'onnx',
  miners: ['accepted', 'rejected', 'absent'].map((verdict, i) => ({ hotkey: `5${i}`, registeredAt: i, commitBlock: i, commitIndex: null, verdict, reason: 'because', gain: i === 0 ? { natsPerCode: 0.1, relative: 0.2 } : null, marginal: null, contribution: i === 0 ? { mean: i / 3, standardError: 0 } : null, similarity: { value: 0.1, to: null, by: 'update' }, overlap: 0.1, quality: i === 0 ? { mean: 0.5, standardError: 0.1, anchored: 1 } : null, diversity: i === 0 ? { distance: null, anchored: 1 } : null, score: 0, weight: i === 0 ? 1 : 0 })),
  acceptance: { accepted: ['50'], scale: 0.4, gain: 0.1, evaluations: 3, normFactors: { 50: 1 } }, coalitions: { kind: 'exact', values: [0, 0.1] }, scores: { before: null, after: { kind: 'average', entries: [{ competition: 'rn', hotkey: '50', registeredAt: 0, value: 1, epoch: 3 }] } }, ledger: { head: '0'.repeat(64), count: 1, sha256: 'a'.repeat(64), bytes: 9 }, policy: { name: 'dama', parameters: {} },
  dama: { before: { digest, mixture: 1, byStyle: {} }, merged: null, next: digest, published: true, reason: 'better' },
};
const MAX_REPORT_BYTES = 16 * 2 ** 20;
const report: Target = {
  name: 'report',
  weight: 8,
  maxBytes: MAX_REPORT_BYTES,
  valid: [json(REPORT), json({ ...REPORT, miners: [] })],
  mutate: (bytes, random) => (random.chance(0.003) ? hugeReport(random) : mutatedJson(256 * KiB)(bytes, random)),
  check: (bytes) => {
    const value = parseJson(bytes);
    const read = readReport(value);
    if (read === undefined) return 'refused';
    const rows = leaderboard(read.miners);
    holds(rows.length === read.miners.length && rows.every(({ rank, weight, reason }) => rank >= 1 && Number.isFinite(weight) && /^[^\p{C}]*$/u.test(reason)), 'a row for every miner');
    holds(readReport(parseJson(JSON.stringify(read))) !== undefined, 'the same report after writing it again');
    return 'accepted';
  },
};

/** As large as a reader takes, and nothing but one list. */
function hugeReport(random: Random): Uint8Array {
  const list = (item: string): string => `[${`${item},`.repeat(Math.floor((MAX_REPORT_BYTES - 2000) / (item.length + 1)))}${item}]`;
  const items = random.pick([list('0'), list('{}'), list('[]'), list('""')]);
  const text = JSON.stringify(REPORT);
  return bytesOf(random.pick([text.replace(/"miners":\[.*?\],"acceptance"/, `"miners":${items},"acceptance"`), text.replace('["50"]', items), text.replace('"seeds":{"a":"b"}', `"seeds":${items}`), `[${text},${items}]`]));
}

const competition: Target = {
  name: 'competition',
  weight: 8,
  maxBytes: 256 * KiB,
  valid: [json(RUBY)],
  mutate: mutatedJson(64 * KiB),
  check: (bytes) => {
    const read = accepted([InvalidInput, NewerSchema], () => readCompetition(parseJson(bytes)));
    if (read === undefined) return 'refused';
    holds(competitionDigest(readCompetition(JSON.parse(JSON.stringify(read)))) === competitionDigest(read), 'the same digest after writing it again');
    holds(Object.isFrozen(read) && Object.isFrozen(read.styles.base), 'a competition that nobody changes');
    return 'accepted';
  },
};

const MUSIC = {
  decoder: { vocabSize: 64, hiddenSize: 96, numLayers: 4, numHeads: 4, ffnDim: 384, numCodebooks: 4, maxPositions: 131 },
  text: { kind: 'words', words: ['town', 'battle', 'waltz'], hiddenSize: 32, maxWords: 8 },
  codec: { kind: 'apu', frameRate: 12, frames: 128 },
};
const musicConfig: Target = {
  name: 'music-config',
  weight: 6,
  maxBytes: 256 * KiB,
  valid: [json(MUSIC), json({ ...MUSIC, text: { kind: 'states', hiddenSize: 768 } })],
  mutate: mutatedJson(64 * KiB),
  check: (bytes) => {
    const read = accepted([InvalidInput], () => readMusicConfig(parseJson(bytes)));
    if (read === undefined) return 'refused';
    holds(JSON.stringify(readMusicConfig(JSON.parse(JSON.stringify(read)))) === JSON.stringify(read), 'the same config after writing it again');
    holds(weightSpecs(read).every(({ shape }) => shape.every((n) => Number.isSafeInteger(n) && n > 0)), 'tensors that there can be');
    return 'accepted';
  },
};

const HUGGING_FACE = {
  model_type: 'musicgen',
  text_encoder: { model_type: 't5', vocab_size: 48, d_model: 24, d_kv: 8, d_ff: 48, num_layers: 2, num_heads: 3, feed_forward_proj: 'gated-gelu' },
  audio_encoder: { model_type: 'encodec', sampling_rate: 32000, target_bandwidths: [100], upsampling_ratios: [4, 2], codebook_size: 64, codebook_dim: 8, hidden_size: 8, num_filters: 4, use_causal_conv: false },
  decoder: { vocab_size: 64, pad_token_id: 64, bos_token_id: 64, hidden_size: 32, num_hidden_layers: 2, num_attention_heads: 4, ffn_dim: 64, num_codebooks: 4, max_position_embeddings: 64, audio_channels: 2 },
};
const musicgenConfig: Target = {
  name: 'musicgen-config',
  weight: 6,
  maxBytes: 256 * KiB,
  valid: [json(HUGGING_FACE), json({ ...HUGGING_FACE, model_type: 'musicgen_melody', num_chroma: 12 })],
  mutate: mutatedJson(64 * KiB),
  check: (bytes) => {
    const read = accepted([InvalidInput], () => readMusicConfig(parseJson(bytes)));
    if (read === undefined) return 'refused';
    const { decoder, codec } = read;
    holds(codec.frames >= 1 && delayedLength(codec.frames, decoder) <= decoder.maxPositions, 'clips that the positions hold');
    holds(codec.kind === 'apu' || (codec.codebookSize === decoder.vocabSize && codec.numQuantizers * (decoder.channels ?? 1) === decoder.numCodebooks), 'a codec of the same codes');
    const specs = accepted([InvalidInput], () => weightSpecs(read));
    holds(specs === undefined ? decoder.told?.by === 'prefix' : specs.every(({ shape }) => shape.every((n) => Number.isSafeInteger(n) && n > 0)), 'tensors that there can be');
    return 'accepted';
  },
};

const shardIndex: Target = {
  name: 'shard-index',
  weight: 4,
  maxBytes: 256 * KiB,
  valid: [json({ metadata: { total_size: 12 }, weight_map: { a: 'model-00001-of-00002.safetensors', b: 'model-00002-of-00002.safetensors' } }), json({ weight_map: { a: 'm.safetensors' } })],
  mutate: mutatedJson(64 * KiB),
  check: (bytes) => {
    const read = accepted([InvalidInput], () => readShardIndex(new TextDecoder().decode(bytes), 'index.json'));
    if (read === undefined) return 'refused';
    for (const shard of read.shards.keys()) holds(dirname(resolve('/model', shard)) === '/model' && shard.endsWith('.safetensors'), 'shards in the same folder');
    return 'accepted';
  },
};

const canonical: Target = {
  name: 'canonical-json',
  weight: 6,
  maxBytes: 256 * KiB,
  valid: [json({ b: [1, 2.5, null, true, 'é'], a: { '': 0 } }), json(BODY)],
  mutate: mutatedJson(64 * KiB),
  check: (bytes) => {
    const value = parseJson(bytes);
    if (value === undefined) return 'refused';
    const text = accepted([InvalidInput], () => canonicalJson(value));
    if (text === undefined) return 'refused';
    holds(canonicalJson(JSON.parse(text)) === text, 'one text for one value');
    return 'accepted';
  },
};

export const textTargets: readonly Target[] = [manifest, signedManifest, commitRecord, report, competition, musicConfig, musicgenConfig, shardIndex, canonical];

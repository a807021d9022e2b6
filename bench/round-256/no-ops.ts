import { createHash } from 'node:crypto';
import { encodeAddress } from '@polkadot/util-crypto';
import type { GpuActivities } from '../../activities/gpu.ts';
import type { HearingActivities } from '../../activities/hearing.ts';
import type { ListenActivities } from '../../activities/listen.ts';
import type { OutputActivities } from '../../activities/outputs.ts';
import type { Round, RoundActivities } from '../../activities/round.ts';
import { createSettleActivities, type SettleActivities } from '../../activities/settle.ts';
import type { SubmissionActivities } from '../../activities/submission.ts';
import type { SubmitActivities } from '../../activities/submit.ts';
import type { WalletActivities } from '../../activities/wallet.ts';
import type { WindowActivities } from '../../activities/window.ts';
import type { Losses } from '../../genki/evaluation/held-out.ts';
import { MAX_PLAYERS } from '../../genki/evaluation/shapley.ts';
import { encodeCommitRecord } from '../../genki/protocol/commit-record.ts';
import { heldOutClips, type HoldOutPart } from '../../genki/protocol/competition.ts';
import type { Dama } from '../../genki/protocol/dama.ts';
import { Random } from '../../genki/protocol/random.ts';
import { RUBY } from '../../genki/protocol/ruby.ts';
import type { ObjectRef } from '../../genki/store/object-store.ts';

/** Every step of a round of the embedded network's competition, done at once; what comes in and out is as large as it is there. */
export type NoOps = Pick<RoundActivities, 'resolveRound' | 'publishReport'> &
  Pick<SubmissionActivities, 'fetchSubmission' | 'compareSubmissions'> &
  ListenActivities &
  HearingActivities &
  OutputActivities &
  SettleActivities &
  Pick<GpuActivities, 'generateClips' | 'measureCandidates' | 'acceptCandidates' | 'valueCoalitions' | 'mergeDama'> &
  Pick<WindowActivities, 'publishManifest'> &
  Pick<WalletActivities, 'signManifest'> &
  SubmitActivities;

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();
const hex = (text: string): string => sha256(text).toString('hex');
const base64 = (text: string): string => sha256(text).toString('base64');
const refOf = (bucket: string, key: string): ObjectRef => ({ bucket, key, sha256: hex(key), bytes: 431_872 });
const hotkeyOf = (name: string): string => encodeAddress(sha256(name), 42);
const BUCKET = 'validator-1';
const damaOf = (name: string): Dama => ({ digest: base64(name), weights: refOf(BUCKET, `damas/${hex(name).slice(0, 40)}/model.safetensors`), config: refOf(BUCKET, `damas/${hex(name).slice(0, 40)}/config.json`) });

const stylesOf = (part: HoldOutPart): string[] => Object.entries(heldOutClips(RUBY, part)).flatMap(([style, clips]) => Array.from({ length: clips }, () => style));
/** Losses with all their digits. */
const losses = (part: HoldOutPart, seed: string, size = 1): Losses => {
  const random = new Random(seed);
  return stylesOf(part).map(() => size * (0.3 + random.next() / 2 ** 33));
};

/** A round over so many miners. */
export function roundOver(miners: number): Round {
  const part = (name: HoldOutPart): Round['plan']['parts'][HoldOutPart] => {
    const floors = Object.fromEntries(RUBY.styles.private.map((style) => [style, RUBY.styles.floors[style]!]));
    return { clips: heldOutClips(RUBY, name), seed: hex(name), floors, guards: RUBY.holdOut[name].perBaseStyle > 0 ? RUBY.styles.base : [] };
  };
  const { clips, ...generation } = RUBY.generation;
  const hotkey = hotkeyOf('validator');
  const prefix = 'rounds/1/004711-9f1c0a4e';
  return {
    plan: {
      hotkey,
      netuid: RUBY.netuid,
      epoch: 4711,
      competition: { id: RUBY.id, digest: base64('competition') },
      snapshot: { number: 5_812_440, hash: `0x${hex('snapshot')}` },
      seeds: Object.fromEntries(['A', 'B', 'C', 'prompts', 'generation', 'listening', 'shapley'].map((label) => [label, hex(label)])),
      base: damaOf('base'),
      lastScale: 0.5,
      parts: { A: part('A'), B: part('B'), C: part('C') },
      listening: { embedder: { kind: 'clap-nano', digest: base64('embedder') }, seed: hex('listening'), styles: RUBY.styles.private, count: clips, promptsSeed: hex('prompts'), frameRate: RUBY.music.frameRate },
      prompts: Array.from({ length: clips }, (_, i) => `dungeon slow minor sparse drums ${i}`),
      generation: { seed: hex('generation'), ...generation },
      frames: RUBY.music.frames,
      frameRate: RUBY.music.frameRate,
      lora: RUBY.lora,
      scales: RUBY.scales,
      thresholds: RUBY.thresholds,
      policy: RUBY.policy,
      overTime: RUBY.overTime,
      shapley: RUBY.shapley,
      past: { scores: null, leader: null, ledger: null },
      bucket: BUCKET,
      privateBucket: `${BUCKET}-private`,
      prefix,
      dryRun: false,
      deadlineMs: 45 * 60_000,
    },
    submissions: Array.from({ length: miners }, (_, i) => {
      const data = encodeCommitRecord({ namespace: 'local', name: `miner-${i}`, commit: hex(`${i}`).slice(0, 40), hash: base64(`${i}`), competition: RUBY.id });
      return { hotkey: hotkeyOf(`miner ${i}`), registeredAt: i, commitBlock: 5_800_000 + i, commitIndex: 0, data };
    }),
    others: { roster: refOf(BUCKET, `${prefix}/roster-0123456789abcdef.json`), rejected: 0, tooRecent: 0, notDrawn: 0, absent: 0 },
    names: { [hotkey]: 'validator-1' },
  };
}

/** Everybody hands in something of their own, and as many as there can be are accepted. */
export function noOps(round: Round): NoOps {
  return {
    resolveRound: async () => round,
    fetchSubmission: async ({ submission: { hotkey } }) => ({ adapter: refOf(BUCKET, `frozen/${hex(hotkey)}.safetensors`), digest: base64(hotkey), norm: 12.345678901234567 }),
    generateClips: async ({ bucket, key }) => refOf(bucket, key),
    listen: async ({ bucket, prefix }) => ({ clips: round.plan.prompts.map((_, i) => refOf(bucket, `${prefix}/${i}.wav`)) }),
    hearClips: async ({ bucket, key }) => ({ heard: refOf(bucket, key), quality: { mean: 0.4567890123456789, standardError: 0.0456789012345678 } }),
    measureAnchors: async () => ({ embedder: `clap-nano ${base64('embedder')}`, quality: { floor: -0.0123456789012345, ceiling: 0.7123456789012345 }, diversity: { floor: 1.234567890123456, ceiling: 12.34567890123456 }, alike: 0.5123456789012345 }),
    compareOutputs: async ({ heard, accepted }) => ({ distances: Array.from({ length: (accepted.length * (accepted.length - 1)) / 2 }, (_, i) => 5.123456789012345 + i), diversity: heard.map((_, i) => 5.123456789012345 + i / 100) }),
    ...createSettleActivities(),
    compareSubmissions: async ({ submissions }) => ({
      similarities: submissions.map((_, i) => (i === 0 ? { similarity: 0 } : { similarity: 0.012345678901234567, to: i - 1 })),
      originals: submissions.map((_, i) => i),
      duplicates: [],
      gram: refOf(`${BUCKET}-private`, `${round.plan.prefix}/gram.f64`),
      ledger: { head: hex('ledger'), count: submissions.length, sha256: hex('index'), bytes: 1234 },
    }),
    measureCandidates: async ({ candidates }) => ({ styles: stylesOf('B'), base: losses('B', 'base'), alone: candidates.map(({ adapter }) => losses('B', adapter.key)), engine: 'no-op' }),
    acceptCandidates: async ({ among, candidates }) => ({
      accepted: among.slice(0, MAX_PLAYERS),
      verdicts: among.map((index) => ({ index, accepted: index < MAX_PLAYERS, margin: 0.0123456789012345, marginal: { mean: 0.1234567890123456, standardError: 0.01234567890123456 }, reason: 'adds too little on top of the accepted: +0.3 ± 0.2 % of what can be learned, most of dungeon: +1.2 ± 0.4 %' })),
      factors: candidates.map(() => 0.9876543210123456),
      residuals: candidates.map(() => []),
      overlaps: candidates.map(() => 0.012345678901234567),
      scale: 0.4,
      gain: 0.34567890123456,
      evaluations: 300,
    }),
    valueCoalitions: async ({ coalitions }) => coalitions.map((members) => losses('B', members.join(' '), 1 - members.length / 20)),
    mergeDama: async () => ({ dama: damaOf('merged'), styles: stylesOf('C'), before: losses('C', 'before'), after: losses('C', 'before', 0.9) }),
    publishReport: async ({ round: { bucket, prefix, competition, hotkey, base, epoch }, dama }) => {
      const report = refOf(bucket, `${prefix}/report-0123456789abcdef.json`);
      return { report, body: { version: 1, kind: 'dama', run: hex('run').slice(0, 36), competition: competition.digest, hotkey, base: base.digest, epoch, dama, report, files: [] } };
    },
    signManifest: async (body) => JSON.stringify({ body, signature: hex('signature').repeat(2) }),
    publishManifest: async ({ bucket }) => ({ manifest: refOf(bucket, `manifests/${hex('manifest').slice(0, 40)}.json`), commit: hex('manifest').slice(0, 40), record: round.submissions[0]?.data ?? '' }),
    requestSubmission: async ({ request: { key } }) => ({ kind: 'landed', key, block: 5_812_500, extrinsic: `0x${hex(key)}` }),
  };
}

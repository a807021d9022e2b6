import { activityInfo } from '@temporalio/activity';
import * as z from 'zod';
import type { BlockRef, Chain } from '../genki/chain/chain.ts';
import { InvalidInput } from '../genki/errors.ts';
import type { ScoredWindow } from '../genki/evaluation/window-records.ts';
import { payWindows, type WindowsReport } from '../genki/evaluation/windows-report.ts';
import { canonicalJson } from '../genki/protocol/canonical-json.ts';
import { sha256Hex } from '../genki/protocol/digests.ts';
import type { DamaManifest, ManifestBody } from '../genki/protocol/manifest.ts';
import { windowOf } from '../genki/protocol/window.ts';
import type { ObjectRef, ObjectStore } from '../genki/store/object-store.ts';
import { copyState } from './closing.ts';
import { firstWindow } from './delta-competition.ts';
import type { Deployment } from './deployment.ts';
import { parseInput } from './parse-input.ts';
import { parseJson } from './parse-json.ts';
import { participantOf, type Participant } from './participants.ts';
import { pruneRounds, roundDamaPrefix } from './prune-log.ts';
import { RoundInput } from './round.ts';
import { unlessFaulty } from './unless-faulty.ts';
import { MAX_SCORES_BYTES, scoresKey } from './window-scores.ts';
import { newestState } from './window-states.ts';

/** What a validator pays for in an epoch, and the model that it stands for. */
export type WindowsPlan = {
  readonly hotkey: string;
  readonly validator: string;
  readonly netuid: number;
  readonly epoch: number;
  readonly bucket: string;
  readonly dryRun: boolean;
  readonly snapshot: BlockRef;
  readonly weights: readonly { readonly hotkey: string; readonly weight: number }[];
  readonly report: ObjectRef;
  readonly windows: { readonly from: number; readonly to: number; readonly scored: number };
  /** What is signed beside the report; null while the validator has no model. */
  readonly body: ManifestBody | null;
};

export type WindowsRoundDeps = { readonly chain: Chain; readonly store: ObjectStore; readonly deployment: Deployment; readonly participants: () => Promise<readonly Participant[]>; readonly defaultHotkey: string | undefined };
export type WindowsRoundActivities = ReturnType<typeof createWindowsRoundActivities>;

/** In a moving average what is older weighs nothing. */
const MOST_WINDOWS = 100;

/** A validator's own scores of one window, as it has kept them. */
const Scores = z.looseObject({ version: z.literal(1), competition: z.string(), hotkey: z.string(), window: z.int().nonnegative(), scores: z.array(z.looseObject({ hotkey: z.string(), registeredAt: z.int().nonnegative() })) });

export const createWindowsRoundActivities = ({ chain, store, deployment, participants, defaultHotkey }: WindowsRoundDeps) => {
  const { competition, competitionDigest } = deployment;

  async function historyOf(bucket: string, { hotkey, from, to }: { hotkey: string; from: number; to: number }): Promise<ScoredWindow[]> {
    const history: ScoredWindow[] = [];
    for (let window = from; window <= to; window++) {
      const key = scoresKey(competition.id, window);
      if ((await store.head(bucket, key)) === undefined) continue;
      const kept = Scores.safeParse(await unlessFaulty(async () => parseJson(await store.getByKey(bucket, key, { maxBytes: MAX_SCORES_BYTES }))));
      if (!kept.success || kept.data.competition !== competitionDigest || kept.data.hotkey !== hotkey || kept.data.window !== window) continue;
      history.push({ window, scores: kept.data.scores as unknown as ScoredWindow['scores'] });
    }
    return history;
  }

  return {
    /** The epoch's pay, from what this validator has measured of the newest windows; with the report published. */
    async settleWindows(input: unknown): Promise<WindowsPlan> {
      const { hotkey: wanted, epoch, dryRun = false } = parseInput(RoundInput, input, 'validationRound');
      const { hotkey, name, bucket, privateBucket } = participantOf(await participants(), 'validator', wanted ?? defaultHotkey);
      const { netuid, timing, policy } = competition;
      const head = await chain.head();
      const metagraph = await chain.metagraph(netuid, head.hash);
      if (epoch !== undefined && epoch !== metagraph.epoch) throw new InvalidInput(`Expected the current epoch, ${metagraph.epoch}, got ${epoch}`);
      const to = windowOf(head.number, timing.windowBlocks) - 1;
      const from = Math.max(firstWindow(competition), to - MOST_WINDOWS + 1);
      const windows = await historyOf(bucket, { hotkey, from, to });
      const keyOf = (of: { readonly hotkey: string; readonly registeredAt: number }): string => `${of.registeredAt} ${of.hotkey}`;
      const registered = new Set(metagraph.neurons.map(keyOf));
      const miners = payWindows(windows, { policy, registered: (peer) => registered.has(keyOf(peer)) });
      const own = await newestState(store, { bucket: privateBucket, competition: competition.id }, competitionDigest);
      const snapshot = { number: head.number, hash: head.hash };
      const report: WindowsReport = { version: 1, kind: 'windows', competition: competitionDigest, hotkey, epoch: metagraph.epoch, snapshot, model: own ? { window: own.window, state: own.state.digest, dama: own.state.dama.digest } : null, windows, policy, miners };
      const bytes = new TextEncoder().encode(canonicalJson(report));
      const ref = await store.putOnce(bucket, `rounds/${netuid}/${metagraph.epoch}/windows-${sha256Hex(bytes).slice(0, 16)}.json`, bytes);
      const state = own && (await copyState(store, own.state, { bucket, prefix: roundDamaPrefix(competition.id, metagraph.epoch) }));
      await pruneRounds(store, { bucket, competition: competition.id });
      const body: DamaManifest | null = state
        ? { version: 1, kind: 'dama', run: activityInfo().workflowExecution!.runId, competition: competitionDigest, hotkey, base: deployment.genesisDama.digest, epoch: metagraph.epoch, dama: state.dama, report: ref, files: [] }
        : null;
      return { hotkey, validator: name, netuid, epoch: metagraph.epoch, bucket, dryRun, snapshot, weights: miners.map(({ hotkey: miner, weight }) => ({ hotkey: miner, weight })), report: ref, windows: { from, to, scored: windows.length }, body };
    },
  };
};

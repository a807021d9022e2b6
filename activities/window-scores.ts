import type { Chain } from '../genki/chain/chain.ts';
import type { WindowScore } from '../genki/evaluation/window-score.ts';
import { canonicalJson } from '../genki/protocol/canonical-json.ts';
import { sha256Hex } from '../genki/protocol/digests.ts';
import { pagesOf } from '../genki/protocol/pages.ts';
import { seedOf } from '../genki/protocol/seeds.ts';
import { holdOutBlocks } from '../genki/protocol/window.ts';
import { windowPrefix, type WindowEntry } from '../genki/protocol/window-log.ts';
import type { ObjectRef, ObjectStore } from '../genki/store/object-store.ts';
import type { Before, Closing } from './closing.ts';
import { deltaOf, scheduleOf } from './delta-competition.ts';
import type { Deployment } from './deployment.ts';
import type { Logged } from './log-walk.ts';
import type { ScoreWindowInput } from './model/score-window.ts';
import { putFirst } from './put-first.ts';
import { blocksOf, termsOf } from './window-terms.ts';

export type WindowScoresDeps = { readonly chain: Chain; readonly store: ObjectStore; readonly deployment: Deployment };
export type WindowScoreActivities = ReturnType<typeof createWindowScoreActivities>;

/** The seed of a window's hold-out, which nobody knew before it was over. @throws {ChainUnavailable} before its blocks are final */
export async function holdOutSeed({ chain, deployment: { competition, competitionDigest } }: Pick<WindowScoresDeps, 'chain' | 'deployment'>, window: number): Promise<string> {
  const blocks = holdOutBlocks(scheduleOf(competition, window), competition.timing.seedBlocks);
  return seedOf({ blockHashes: await Promise.all(blocks.map((block) => chain.blockHash(block))), competition: competitionDigest }, `holdout/${window}`);
}

/** Where the scores of a window lie in the bucket of the validator that measured them: `windows/rw/0000000042/scores.json` */
export const scoresKey = (competitionId: string, window: number): string => `${windowPrefix(competitionId, window)}/scores.json`;

export const createWindowScoreActivities = ({ chain, store, deployment }: WindowScoresDeps) => ({
  /** What the peers of an entry are measured on. */
  async planScores({ before, entry: { window, peers } }: { before: Before; entry: WindowEntry }): Promise<ScoreWindowInput> {
    const { competition, competitionDigest } = deployment;
    const { pages, scoring } = deltaOf(competition);
    const styles = pages?.styles ?? competition.styles.private;
    return {
      base: before.state,
      peers: peers.map(({ hotkey, update, manifest }) => ({ hotkey, ref: update, manifest, pages: pages ? pagesOf({ hotkey, window, pages, competitionDigest }) : null })),
      terms: termsOf(competition),
      ...(await blocksOf(chain, competition, window)),
      competition: competitionDigest,
      pages: pages ? { styles: pages.styles, clips: pages.clips, seed: pages.seed, measured: scoring.own } : null,
      holdout: { clips: Object.fromEntries(styles.map((style) => [style, scoring.perStyle])), seed: await holdOutSeed({ chain, deployment }, window) },
    };
  },

  /** Keeps what was measured of a window, by who measured it, and which entry that took: of two measurements the first one stays. */
  async keepScores({ closing: { window, bucket, hotkey }, logged: { ref, entry }, scores }: { closing: Closing; logged: Logged; scores: readonly WindowScore[] }): Promise<ObjectRef> {
    const { competition: { id }, competitionDigest } = deployment;
    const registered = new Map(entry.peers.map((peer) => [peer.hotkey, peer.registeredAt]));
    const file = { version: 1, competition: competitionDigest, hotkey, window, entry: ref.sha256, before: entry.before, scores: scores.map((score) => ({ ...score, registeredAt: registered.get(score.hotkey)! })) };
    const [key, bytes] = [scoresKey(id, window), new TextEncoder().encode(canonicalJson(file))];
    await putFirst(store, { bucket, key }, bytes);
    const kept = await store.getByKey(bucket, key, { maxBytes: MAX_SCORES_BYTES });
    return { bucket, key, sha256: sha256Hex(kept), bytes: kept.byteLength };
  },
});

/** Of 256 peers. */
export const MAX_SCORES_BYTES = 2 ** 20;

import { type ClosingActivities, type Verdicts, refusedOf } from '../../activities/closing.ts';
import type { GpuActivities } from '../../activities/gpu.ts';
import type { WalletActivities } from '../../activities/wallet.ts';
import { termsOf } from '../../activities/window-terms.ts';
import { deltaOf } from '../../activities/delta-competition.ts';
import { scoresKey } from '../../activities/window-scores.ts';
import type { WindowScore } from '../../genki/evaluation/window-score.ts';
import { pagesOf } from '../../genki/protocol/pages.ts';
import { RUBY_WINDOWS } from '../../genki/protocol/ruby-windows.ts';
import { base64, bucketOf, closedOf, closingOf, COMPETITION, entryOf, hex, LEADER, loggedOf, openedOf, PREVIOUS, refOf, share, signed, stateAfter, WINDOW } from './window.ts';

/** Every step of closing a window, done at once; what comes in and out is as large as it is where all updates count. */
export type ClosingNoOps = ClosingActivities & Pick<GpuActivities, 'closeUpdates' | 'advance' | 'scoreUpdates'> & Pick<WalletActivities, 'signWindowEntry'>;

/** Of a window of so many peers, after another of as many. The leader writes its entry once; everybody else finds it. */
export function closingNoOps(peers: number): ClosingNoOps {
  const published = new Set<string>();
  return {
    resolveClosing: async (input) => closingOf((input as { hotkey: string }).hotkey),
    receiveUpdates: async () => ({ received: peers, refused: 0, late: false }),
    openUpdates: async ({ closing, before }) => verdictsOf(peers, { closing, before }),
    closeUpdates: async ({ bucket }) => closedOf(openedOf(peers, closingOf(LEADER)), { privateBucket: bucket }),
    awaitTurn: async ({ closing: { hotkey, privateBucket }, before }) => {
      if (hotkey === LEADER && !published.has(hotkey)) return { kind: 'lead', rank: 0, previous: PREVIOUS };
      const logged = loggedOf(peers);
      return { kind: 'entry', logged, advance: { from: before.state, steps: [{ window: WINDOW, entry: logged.ref }], terms: termsOf(RUBY_WINDOWS), competition: COMPETITION.digest, bucket: privateBucket, prefix: `models/${COMPETITION.id}` } };
    },
    keepCheckpoint: async ({ closing: { bucket } }) => refOf(bucket, `checkpoints/${COMPETITION.id}/${hex('checkpoint').slice(0, 40)}.json`),
    draftEntry: async ({ verdicts, closed }) => ({ ...entryOf(verdicts.opened, closed), refused: refusedOf(verdicts, closed) }),
    signWindowEntry: async (entry) => signed(entry),
    publishEntry: async ({ closing: { hotkey } }) => void published.add(hotkey),
    compareEntry: async () => [],
    advance: async ({ bucket }) => stateAfter(WINDOW, bucket),
    planScores: async ({ before, entry }) => planOf(before, entry.peers),
    scoreUpdates: async ({ peers: measured }) => measured.map(({ hotkey }) => scoreOf(hotkey)),
    keepScores: async ({ closing: { bucket } }) => refOf(bucket, scoresKey(COMPETITION.id, WINDOW), 200_000),
    forgetModels: async () => undefined,
  };
}

function verdictsOf(peers: number, { closing, before }: Parameters<ClosingActivities['openUpdates']>[0]): Verdicts {
  const { window, bucket, privateBucket } = closing;
  const opened = openedOf(peers, { window, bucket });
  const older = openedOf(peers, { window: window - 1, bucket: bucketOf('follower') });
  const of = ({ hotkey, ref, manifest }: (typeof opened)[number]) => ({ hotkey, ref, manifest });
  return {
    opened,
    refused: [],
    input: { from: before.state, window, updates: opened.map(of), older: older.map((one) => ({ ...of(one), window: window - 1 })), copyCosine: RUBY_WINDOWS.thresholds.copyCosine, terms: termsOf(RUBY_WINDOWS), competition: COMPETITION.digest, bucket: privateBucket, prefix: `models/${COMPETITION.id}` },
  };
}

function planOf({ state }: { state: ReturnType<typeof stateAfter> }, peers: ReturnType<typeof entryOf>['peers']): Parameters<GpuActivities['scoreUpdates']>[0] {
  const { pages, scoring } = deltaOf(RUBY_WINDOWS);
  const { styles, clips, seed } = pages!;
  return {
    base: state,
    peers: peers.map(({ hotkey, update, manifest }) => ({ hotkey, ref: update, manifest, pages: pagesOf({ hotkey, window: WINDOW, pages: pages!, competitionDigest: COMPETITION.digest }) })),
    terms: termsOf(RUBY_WINDOWS),
    competition: COMPETITION.digest,
    pages: { styles, clips, seed, measured: scoring.own },
    holdout: { clips: Object.fromEntries(styles.map((style) => [style, scoring.perStyle])), seed: base64('holdout') },
  };
}

function scoreOf(hotkey: string): WindowScore {
  const gain = (name: string) => ({ gain: share(`${name} ${hotkey}`), standardError: share(`error of ${name} ${hotkey}`) });
  return { hotkey, agreement: share(hotkey), own: gain('own'), holdout: gain('holdout'), gap: gain('gap'), verdict: 'lazy', reason: 'gains 0.0123 nats a code (± 0.0456) more on its own pages than without having trained on them: no sign of that work' };
}

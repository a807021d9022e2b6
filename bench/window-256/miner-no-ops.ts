import type { DeltaWindowActivities } from '../../activities/delta-window.ts';
import type { GpuActivities } from '../../activities/gpu.ts';
import type { MadeUpdate } from '../../activities/made-updates.ts';
import type { TrainDeltaInput } from '../../activities/model/train-delta.ts';
import type { SealedKeyActivities } from '../../activities/sealed-key.ts';
import type { WalletActivities } from '../../activities/wallet.ts';
import { termsOf } from '../../activities/window-terms.ts';
import { deltaOf, scheduleOf } from '../../activities/delta-competition.ts';
import type { WindowActivities } from '../../activities/window.ts';
import type { WindowState } from '../../genki/federation/window-state.ts';
import { UPDATE_FILE } from '../../genki/protocol/manifest.ts';
import { pagesOf } from '../../genki/protocol/pages.ts';
import { RUBY_WINDOWS } from '../../genki/protocol/ruby-windows.ts';
import { keyFileOf } from '../../genki/protocol/sealing.ts';
import { windowKey } from '../../genki/protocol/window-log.ts';
import { closingOf, COMPETITION, deltaWindowOf, FOLLOWER, hex, hotkeyOf, LEADER, MINER, previousEntry, refOf, share, signed, stateAfter, WINDOW } from './window.ts';

/** Every step of a miner's window that is not the lease's, done at once. Its run is on the chain already, as in all windows but the first. */
export type MiningNoOps = Pick<WindowActivities, 'resolveWindow'> & Omit<DeltaWindowActivities, 'keepRun' | 'publishSlice'> & Pick<GpuActivities, 'trainDelta'> & Pick<WalletActivities, 'signManifest'> & SealedKeyActivities;

/** A miner is one window behind when it begins: it hears whose turn it is, then finds the entry, and goes on by it. Validators have the model. */
export function miningNoOps(): MiningNoOps {
  const kept = new Set([LEADER, FOLLOWER].map((hotkey) => closingOf(hotkey).privateBucket));
  return {
    resolveWindow: async () => ({ kind: 'delta' }),
    resolveDelta: async (input) => ({ kind: 'ready', window: deltaWindowOf((input as { hotkey: string }).hotkey) }),
    runRecord: async () => ({ kind: 'on-chain' }),
    nextModel: async ({ window: { privateBucket }, known }) => {
      const state = stateAfter(WINDOW - 1, privateBucket);
      if (kept.has(privateBucket)) return { kind: 'there', state, entry: previousEntry() };
      if (known === null) return { kind: 'waiting', window: WINDOW - 1, leader: FOLLOWER, untilBlock: scheduleOf(RUBY_WINDOWS, WINDOW - 1).over };
      const input = { from: stateAfter(WINDOW - 2, privateBucket), steps: [{ window: WINDOW - 1, entry: previousEntry() }], terms: termsOf(RUBY_WINDOWS), competition: COMPETITION.digest, bucket: privateBucket, prefix: `models/${COMPETITION.id}` };
      return { kind: 'advance', fromOwn: true, entry: null, input };
    },
    keepModel: async ({ window: { privateBucket }, entry }) => {
      kept.add(privateBucket);
      return entry;
    },
    planDelta: async ({ window, state }) => ({ kind: 'train', input: trainingOf(window, state), from: 9_876_481, privacy: null }),
    trainDelta: async ({ bucket, prefix }) => ({ ...filesOf(bucket, prefix), tree: null, updateNorm: share('update'), inputNorm: share('input'), sentNorm: share('sent'), ...sizes, steps: RUBY_WINDOWS.training.hyper.steps, firstLoss: share('first'), lastLoss: share('last'), engine: ENGINE }),
    keepUpdate: async ({ base, trained: { file, residual } }) => madeOf(base, { file, residual }),
    sealUpdate: async ({ window: { bucket, privateBucket } }) => ({ file: refOf(bucket, `updates/${hex(bucket)}.sealed`), content: { sha256: hex('content'), bytes: sizes.bytes }, secret: { bucket: privateBucket, key: `secrets/${hex(bucket).slice(0, 32)}` } }),
    draftWindow: async ({ made, sealed }) => ({ version: 1, kind: 'window', run: hex('run').slice(0, 36), competition: COMPETITION.digest, hotkey: MINER, base: made.base, window: WINDOW, files: [{ name: UPDATE_FILE, ref: sealed!.file, content: sealed!.content }], training: made.training }),
    signManifest: async (body) => signed(body),
    keepSigned: async ({ text }) => ({ text, commit: hex(text).slice(0, 40) }),
    signKey: async () => undefined,
    publishWindow: async ({ window: { bucket, privateBucket }, signed: { commit } }) => ({ manifest: refOf(bucket, windowKey(COMPETITION.id, WINDOW)), owed: { hotkey: MINER, window: WINDOW, bucket, privateBucket, commit, isSlice: false }, block: 9_876_490 }),
    discloseWindow: async ({ bucket, commit }) => refOf(bucket, keyFileOf(commit)),
    pruneWindow: async () => undefined,
  };
}

const ENGINE = 'onnxruntime-node 1.23.0 linux x64';
const sizes = { bytes: 17_812, ratio: 252.0123456789012 } as const;
const filesOf = (bucket: string, prefix: string) => ({ file: refOf(bucket, `${prefix}/update-${hex(prefix).slice(0, 16)}.safetensors`), residual: refOf(bucket, `${prefix}/residual-${hex(prefix).slice(0, 16)}.safetensors`, 4_489_216) });

function trainingOf({ miner, privateBucket: bucket, steps }: ReturnType<typeof deltaWindowOf>, state: WindowState): TrainDeltaInput {
  const { codec, pages } = deltaOf(RUBY_WINDOWS);
  const { hyper, replay, replayRows } = RUBY_WINDOWS.training;
  const { styles, clips, seed } = pages!;
  const hotkey = hotkeyOf(miner);
  return {
    state,
    data: { kind: 'pages', pages: pagesOf({ hotkey, window: WINDOW, pages: pages!, competitionDigest: COMPETITION.digest }), spec: { styles, clips, seed } },
    replay,
    replayRows,
    hyper: { ...hyper, steps, schedule: 'constant' },
    seed: `${COMPETITION.digest}/${hotkey}/${WINDOW}`,
    codec,
    leftover: { kind: 'left-out', residual: filesOf(bucket, `training/${hex('last').slice(0, 32)}`).residual },
    bucket,
    prefix: `training/${hex(miner).slice(0, 32)}`,
    checkpointEverySteps: 10,
  };
}

function madeOf(base: string, files: Pick<MadeUpdate, 'file' | 'residual'>): MadeUpdate {
  return {
    version: 1,
    competition: COMPETITION.digest,
    window: WINDOW,
    base,
    sent: files.file.sha256,
    ...files,
    tree: null,
    isNoised: false,
    norm: share('sent'),
    ...sizes,
    training: { steps: RUBY_WINDOWS.training.hyper.steps, firstLoss: share('first'), lastLoss: share('last'), engine: ENGINE },
    own: { noised: [], bare: 0 },
    from: 9_876_481,
    to: 9_876_489,
  };
}

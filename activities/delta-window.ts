import type { Chain } from '../genki/chain/chain.ts';
import { InvalidInput } from '../genki/errors.ts';
import { windowKey } from '../genki/protocol/window-log.ts';
import { windowOf } from '../genki/protocol/window.ts';
import type { ObjectStore } from '../genki/store/object-store.ts';
import { deltaOf, firstWindow, scheduleOf } from './delta-competition.ts';
import { createModelActivities } from './delta-model.ts';
import { createPlanActivities } from './delta-plan.ts';
import { createRunActivities } from './delta-run.ts';
import { createUploadActivities, owedBy, type Owed } from './delta-upload.ts';
import type { Deployment } from './deployment.ts';
import { newestMade, type MadeUpdate } from './made-updates.ts';
import { parseInput } from './parse-input.ts';
import { participantOf, type Participant } from './participants.ts';
import { recordOf, WindowInput } from './window.ts';

/** A miner's window of updates, complete: nothing after this reads "the latest" of anything but the log. */
export type DeltaWindow = {
  readonly hotkey: string;
  readonly netuid: number;
  readonly miner: string;
  readonly competition: string;
  readonly index: number;
  readonly lastBlock: number;
  /** Once this block is final it is too late for an update. */
  readonly deadline: number;
  readonly adapterId: string;
  readonly bucket: string;
  /** Where the miner keeps what nobody else reads. */
  readonly privateBucket: string;
  /** Of training. */
  readonly steps: number;
};

/** `owed`: what the miner's newest update still has to disclose, which whoever made it did not live to. */
export type ResolvedDelta = ({ readonly kind: 'ready'; readonly window: DeltaWindow } | { readonly kind: 'skipped'; readonly reason: string }) & { readonly owed?: Owed };

export type DeltaDeps = { readonly chain: Chain; readonly store: ObjectStore; readonly deployment: Deployment; readonly participants: () => Promise<readonly Participant[]>; readonly defaultHotkey: string | undefined };
export type DeltaWindowActivities = ReturnType<typeof createDeltaWindowActivities>;

/** After so many windows that were missed it is tried again, however long the last one took. */
const REMEMBERED_WINDOWS = 3;

export const createDeltaWindowActivities = (deps: DeltaDeps) => ({
  /** Fills in everything that the input leaves open, at the finalized head. */
  async resolveDelta(input: unknown): Promise<ResolvedDelta> {
    const { hotkey, steps, adapter, window: wanted } = parseInput(WindowInput, input, 'trainingWindow');
    const { chain, store, deployment: { competition } } = deps;
    if (adapter) throw new InvalidInput(`Expected no adapter in the competition ${competition.id}, which exchanges updates of windows, got ${adapter.key}`);
    const miner = participantOf(await deps.participants(), 'miner', hotkey ?? deps.defaultHotkey);
    checkAble(miner, deps.deployment);
    const { netuid, id, training, timing: { windowBlocks } } = competition;
    const head = await chain.head();
    const index = windowOf(head.number, windowBlocks);
    if (wanted !== undefined && wanted > index) throw new InvalidInput(`Expected the current window, ${index}, got ${wanted}`);
    const made = await newestMade(store, { bucket: miner.privateBucket, competition: id });
    const owed = made && (await owedBy(store, competition, { miner, window: made.window }));
    const skipped = (reason: string): ResolvedDelta => ({ kind: 'skipped', reason, ...(owed && { owed }) });
    if (wanted !== undefined && wanted < index) return skipped(`window ${wanted} has passed, the chain is in window ${index}`);
    if (head.number < competition.activationBlock) return skipped(`the competition begins at block ${competition.activationBlock}, the chain is at ${head.number}`);
    if (index < firstWindow(competition)) return skipped(`the first whole window of the competition is ${firstWindow(competition)}, the chain is in window ${index}`);
    if (await store.head(miner.bucket, windowKey(id, index))) return skipped(`already sent in window ${index}`);
    const { first, last, deadline } = scheduleOf(competition, index);
    const needed = blocksNeeded(made, { index, most: deadline - first });
    if (head.number + needed > deadline) return skipped(`too late for window ${index}: block ${head.number} is final, updates are due before block ${deadline}${needed > 1 ? `, and the last one took ${needed} blocks` : ''}`);
    const window: DeltaWindow = {
      hotkey: miner.hotkey,
      netuid,
      miner: miner.name,
      competition: id,
      index,
      lastBlock: last,
      deadline,
      adapterId: `${id}/${miner.hotkey}`,
      bucket: miner.bucket,
      privateBucket: miner.privateBucket,
      steps: steps ?? training.hyper.steps,
    };
    return { kind: 'ready', window, ...(owed && { owed }) };
  },

  ...createRunActivities(deps),
  ...createModelActivities(deps),
  ...createPlanActivities(deps),
  ...createUploadActivities(deps),
});

/** What is wrong with a miner's configuration is better known before the training than after. @throws {InvalidInput} */
function checkAble({ name, dataset, bucket }: Participant, { competition }: Deployment): void {
  if (!deltaOf(competition).pages && dataset === undefined) throw new InvalidInput(`Expected a dataset of ${name} in the participants file, got none`);
  recordOf(competition, { bucket, commit: '0'.repeat(40), hash: '0'.repeat(44) });
}

/** How many blocks an update takes, by the last one; no more than a window has for it, and one where nobody remembers. */
function blocksNeeded(made: MadeUpdate | undefined, { index, most }: { readonly index: number; readonly most: number }): number {
  const took = made && index - made.window <= REMEMBERED_WINDOWS ? made.to - made.from : 0;
  return Math.max(1, Math.min(took, most));
}

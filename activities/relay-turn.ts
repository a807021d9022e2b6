import { ApplicationFailure } from '@temporalio/activity';
import type { LeaseStatus, PushAnswer } from '../genki/protocol/hub.ts';

export type RelayTurnActivities = ReturnType<typeof createRelayTurnActivities>;

/** Whoever asks a hub how a miner stands with an adapter. */
export type AsksStatus = { hubStatus(of: { adapterId: string }): Promise<LeaseStatus> };

/** How a miner stands, as far as it waits. */
export type Standing = LeaseStatus['state'];

/** Between two questions of whoever is next; those behind it ask as many times less often. */
const ASK_MS = 1000;
const MAX_ASK_MS = 15_000;
/** The hub finds its silence out by what it hears of others: several of them a check. */
const ASKS_A_CHECK = 4;

/**
 * Waiting for something that a hub decides: attempts that end with `NotYet` until it has, which leave nothing in a
 * workflow's history.
 */
export const createRelayTurnActivities = ({ hubStatus }: AsksStatus) => ({
  /** How the miner stands, once that is something else than what is known: a grant, another place in the queue, none. */
  async awaitTurn({ adapterId, known, checkMs }: { adapterId: string; known: Standing; /** of the lease */ checkMs: number }): Promise<Standing> {
    const { state } = await hubStatus({ adapterId });
    if (JSON.stringify(state) !== JSON.stringify(known)) return state;
    const place = state.kind === 'queued' ? state.position : 1;
    throw notYet(`Place ${place} in the queue of ${adapterId}`, Math.min(ASK_MS * place, MAX_ASK_MS, checkMs / ASKS_A_CHECK));
  },

  /** What became of the miner's newest push. */
  async awaitVerdict({ adapterId }: { adapterId: string }): Promise<Exclude<PushAnswer, { kind: 'evaluating' }>> {
    const { push } = await hubStatus({ adapterId });
    if (!push) throw ApplicationFailure.nonRetryable(`Expected a push of ${adapterId} that the hub knows, it knows none`, 'LeaseLost');
    if (push.kind === 'evaluating') throw notYet(`The adapter pushed to ${adapterId} is being judged`, ASK_MS);
    return push;
  },
});

const notYet = (message: string, nextRetryDelay: number): ApplicationFailure => ApplicationFailure.create({ message, type: 'NotYet', nextRetryDelay, category: 'BENIGN' });

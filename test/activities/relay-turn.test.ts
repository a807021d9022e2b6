import { describe, expect, it } from 'vitest';
import { createRelayTurnActivities, type Standing } from '../../activities/relay-turn.ts';
import type { LeaseStatus, PushAnswer } from '../../genki/protocol/hub.ts';

const saying = (state: Standing, push?: PushAnswer) =>
  createRelayTurnActivities({ hubStatus: async (): Promise<LeaseStatus> => ({ state, fence: 1, waiting: 2, version: 0, push }) });
const queued = (position: number): Standing => ({ kind: 'queued', position });
const granted: Standing = { kind: 'granted', fence: 2, expiresAt: 5 };

describe('waiting for a turn', () => {
  it.each([
    ['it is granted', granted],
    ['the place changes', queued(2)],
    ['the ticket is gone', { kind: 'none' } as const],
  ])('ends when %s', async (_, state) => {
    expect(await saying(state).awaitTurn({ adapterId: 'x', known: queued(3), checkMs: 60_000 })).toEqual(state);
  });

  it.each([[1, 300_000, 1000], [7, 300_000, 7000], [50, 300_000, 15_000], [7, 200, 50]])('asks again from place %i, with checks every %i ms, after %i ms', async (place, checkMs, delay) => {
    await expect(saying(queued(place)).awaitTurn({ adapterId: 'x', known: queued(place), checkMs })).rejects.toMatchObject({ type: 'NotYet', nonRetryable: false, nextRetryDelay: delay, category: 'BENIGN' });
  });
});

describe('waiting for a verdict', () => {
  it.each<PushAnswer>([{ kind: 'promoted', sequence: 3 }, { kind: 'refused', reason: 'worse' }, { kind: 'late', reason: 'late' }])('ends with %j', async (push) => {
    expect(await saying(granted, push).awaitVerdict({ adapterId: 'x' })).toEqual(push);
  });

  it('asks again while it is judged, and is over where the hub knows of none', async () => {
    await expect(saying(granted, { kind: 'evaluating' }).awaitVerdict({ adapterId: 'x' })).rejects.toMatchObject({ type: 'NotYet', nextRetryDelay: 1000 });
    await expect(saying(granted).awaitVerdict({ adapterId: 'x' })).rejects.toMatchObject({ type: 'LeaseLost', nonRetryable: true });
  });
});

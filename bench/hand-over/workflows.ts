/** The bundle of the hand-over: a hub's workflows, and a miner's turn. */
import type { RelayWindow } from '../../activities/relay-window.ts';
import { relayWindow, type RelayOutcome } from '../../workflows/relay-window.ts';

export { promoteAdapter } from '../../workflows/promote-adapter.ts';
export { relayAdapter } from '../../workflows/relay-adapter.ts';

/** As a training window of a relay has it. */
export const relayTurn = (window: RelayWindow): Promise<RelayOutcome> => relayWindow(window, () => undefined);

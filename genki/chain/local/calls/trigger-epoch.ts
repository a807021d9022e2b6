import { check } from '../dispatch-error.ts';
import type { Genesis } from '../genesis.ts';
import type { State } from '../state.ts';
import type { CallOf, Origin } from './origin.ts';

/** The state with an epoch due as soon as the freeze window has passed; checks in the order of `do_trigger_epoch`. */
export function triggerEpoch(state: State, genesis: Genesis, { netuid }: CallOf<'triggerEpoch'>, { signer }: Origin): State {
  check(genesis.schedule === 'stateful', 'CallFiltered', 'Expected a runtime that knows this call');
  check(netuid === genesis.netuid, 'SubnetNotExists', `Expected subnet ${genesis.netuid}, got ${netuid}`);
  check(signer === genesis.owner, 'BadOrigin', "Expected the subnet's owner");
  check(!genesis.commitReveal.enabled, 'DynamicTempoBlockedByCommitReveal', 'Expected weights in the open: reveals count epochs ahead');
  check(state.pendingEpochAt === 0, 'EpochTriggerAlreadyPending', `An epoch is due in block ${state.pendingEpochAt} already`);
  const remaining = state.lastEpochBlock + genesis.tempo - state.number;
  check(remaining >= genesis.adminFreezeWindow, 'AutoEpochAlreadyImminent', `Expected ${genesis.adminFreezeWindow} blocks before the next epoch, got ${remaining}`);
  return { ...state, pendingEpochAt: state.number + genesis.adminFreezeWindow };
}

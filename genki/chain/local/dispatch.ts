import type { Call, Hotkey } from '../chain.ts';
import { checkReveal, checkRound, commitTimelockedWeights, commitWeights, revealWeights } from './calls/commit-reveal.ts';
import type { Origin } from './calls/origin.ts';
import { register } from './calls/register.ts';
import { checkSizes, setCommitment } from './calls/set-commitment.ts';
import { checkAxon, serveAxon } from './calls/serve-axon.ts';
import { checkRateLimit, checkStake, setWeights } from './calls/set-weights.ts';
import { triggerEpoch } from './calls/trigger-epoch.ts';
import { check } from './dispatch-error.ts';
import { feeOf } from './fee.ts';
import type { Genesis } from './genesis.ts';
import { accountOf, type State } from './state.ts';

/**
 * The state after a call, within block `state.number`.
 *
 * @throws {DispatchError} the runtime's first failing check, by its name
 */
export function dispatch(state: State, genesis: Genesis, call: Call, origin: Origin): State {
  switch (call.kind) {
    case 'setCommitment':
      return setCommitment(state, genesis, call, origin);
    case 'setWeights':
    case 'setMechanismWeights':
      return setWeights(state, genesis, call, origin);
    case 'commitWeights':
      return commitWeights(state, genesis, call, origin);
    case 'revealWeights':
      return revealWeights(state, genesis, call, origin);
    case 'commitTimelockedWeights':
      return commitTimelockedWeights(state, genesis, call, origin);
    case 'register':
      return register(state, genesis, call, origin);
    case 'triggerEpoch':
      return triggerEpoch(state, genesis, call, origin);
    case 'serveAxon':
      return serveAxon(state, genesis, call, origin);
  }
}

/**
 * What the runtime refuses before the pool takes it, for a call in block `state.number`.
 *
 * @throws {DispatchError}
 */
export function precheck(state: State, genesis: Genesis, call: Call, signer: Hotkey): void {
  switch (call.kind) {
    case 'setCommitment':
      return checkSizes(genesis, call);
    case 'setWeights':
    case 'setMechanismWeights':
      checkStake(state, genesis, signer);
      if (!genesis.commitReveal.enabled) checkRateLimit(state, genesis, signer, 'SettingWeightsTooFast');
      return;
    case 'commitWeights':
      checkStake(state, genesis, signer);
      return checkRateLimit(state, genesis, signer, 'CommittingWeightsTooFast');
    case 'revealWeights':
      checkStake(state, genesis, signer);
      return checkReveal(state, genesis, call, signer);
    case 'commitTimelockedWeights':
      checkStake(state, genesis, signer);
      return checkRound(state, call);
    case 'register': {
      const { balance } = accountOf(state, signer);
      return check(balance >= feeOf(call, genesis), 'Payment', `Expected a balance of ${feeOf(call, genesis)} rao for the fee, got ${balance}`);
    }
    case 'serveAxon':
      return checkAxon(state, genesis, call, signer);
    case 'triggerEpoch':
      return;
  }
}

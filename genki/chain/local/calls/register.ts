import { check } from '../dispatch-error.ts';
import type { Hotkey } from '../../chain.ts';
import { burnAfterRegistration } from '../burn.ts';
import type { Genesis } from '../genesis.ts';
import { accountOf, freshNeuron, withAccount, type NeuronState, type State } from '../state.ts';
import type { CallOf, Origin } from './origin.ts';

/** The state with the hotkey registered, paid for by the coldkey that signs; checks in the order of `do_register_limit`. */
export function register(state: State, genesis: Genesis, { netuid, hotkey, limitPrice }: CallOf<'register'>, { signer: coldkey }: Origin): State {
  const { burn } = state;
  check(netuid !== 0, 'RegistrationNotPermittedOnRootSubnet', 'Expected another subnet than the root');
  check(netuid === genesis.netuid, 'SubnetNotExists', `Expected subnet ${genesis.netuid}, got ${netuid}`);
  check(limitPrice === null || burn <= BigInt(limitPrice), 'RegistrationPriceLimitExceeded', `Expected a price of at most ${limitPrice} rao, got ${burn}`);
  check(!state.uids.has(hotkey), 'HotKeyAlreadyRegisteredInSubNet', `Already registered in subnet ${netuid}`);
  const { balance } = accountOf(state, coldkey);
  check(burn <= balance, 'NotEnoughBalanceToStake', `Expected a balance of ${burn} rao, got ${balance}`);
  const holder = accountOf(state, hotkey).coldkey ?? coldkey;
  check(holder === coldkey, 'NonAssociatedColdKey', `Expected the coldkey of the hotkey's first registration, ${holder}`);
  const uid = state.neurons.length < genesis.maxNeurons ? state.neurons.length : uidToPrune(state, genesis);
  check(uid !== undefined, 'NoNeuronIdAvailable', `All ${genesis.maxNeurons} uids are taken, by neurons that cannot be replaced`);
  const paid = withAccount({ ...state, burn: burnAfterRegistration(burn, genesis), recycled: state.recycled + burn }, coldkey, { balance: balance - burn });
  return seat(withAccount(paid, hotkey, { coldkey }), uid, hotkey);
}

/** The state with the hotkey at a uid, new or another's; nobody's weights are for it. */
function seat(state: State, uid: number, hotkey: Hotkey): State {
  const uids = new Map(state.uids);
  const former = state.neurons[uid];
  if (former) uids.delete(former.hotkey);
  const neurons = former ? state.neurons.map((neuron) => withoutWeightFor(uid, neuron)) : [...state.neurons];
  neurons[uid] = freshNeuron(hotkey, state.number);
  return { ...state, neurons, uids: uids.set(hotkey, uid) };
}

const withoutWeightFor = (uid: number, neuron: NeuronState): NeuronState =>
  neuron.weights.some(([j, weight]) => j === uid && weight > 0) ? { ...neuron, weights: neuron.weights.map(([j, weight]) => [j, j === uid ? 0 : weight] as const) } : neuron;

/**
 * The uid that a newcomer takes over, as the runtime's `get_neuron_to_prune` chooses it: the lowest emission, then the
 * earliest registration, then the lowest uid; among those past their immunity if there are enough of them, else among
 * the immune. One neuron of the owner's stays for ever.
 */
function uidToPrune(state: State, genesis: Genesis): number | undefined {
  const kept = ownersUid(state, genesis);
  const others = state.neurons.flatMap((neuron, uid) => (uid === kept ? [] : [{ ...neuron, uid }]));
  const isImmune = ({ registeredAt }: NeuronState): boolean => state.number - registeredAt < genesis.immunityPeriod;
  const open = others.filter((neuron) => !isImmune(neuron));
  const candidates = open.length > genesis.minNonImmuneNeurons ? open : others.filter(isImmune);
  return candidates.reduce<(typeof others)[number] | undefined>((worst, neuron) => (worst && !goesBefore(neuron, worst) ? worst : neuron), undefined)?.uid;
}

const goesBefore = (a: NeuronState, b: NeuronState): boolean => (a.emission === b.emission ? a.registeredAt < b.registeredAt : a.emission < b.emission);

/** The owner's hotkey, or else the first that the owner registered. */
function ownersUid(state: State, genesis: Genesis): number | undefined {
  const own = state.uids.get(genesis.owner);
  if (own !== undefined) return own;
  const owned = state.neurons.flatMap(({ hotkey, registeredAt }, uid) => (accountOf(state, hotkey).coldkey === genesis.owner ? [{ uid, registeredAt }] : []));
  return owned.sort((a, b) => a.registeredAt - b.registeredAt || a.uid - b.uid)[0]?.uid;
}

import type { Hotkey } from '../../chain.ts';
import { ipNumber, ipText } from '../../ip.ts';
import { check } from '../dispatch-error.ts';
import type { Genesis } from '../genesis.ts';
import type { State } from '../state.ts';
import type { CallOf, Origin } from './origin.ts';

/** Least number of blocks from one time to the next: the runtime's default. */
const SERVING_RATE_LIMIT = 50;

const MAX_IPV4 = 2n ** 32n - 1n;
const MAX_IPV6 = 2n ** 128n - 1n;
const LOOPBACK_IPV4 = 0x7f000001n;

/** The state with where the hotkey can be reached; checks in the order of `do_serve_axon`. */
export function serveAxon(state: State, genesis: Genesis, call: CallOf<'serveAxon'>, { signer }: Origin): State {
  const { netuid, port, protocol, version } = call;
  check(netuid === genesis.netuid, 'SubnetNotExists', `Expected subnet ${genesis.netuid}, got ${netuid}`);
  checkAxon(state, genesis, call, signer);
  const uid = state.uids.get(signer)!;
  const axon = { ip: ipText(ipNumber(call.ip)), port, protocol, version, block: state.number };
  return { ...state, neurons: state.neurons.with(uid, { ...state.neurons[uid]!, axon }) };
}

/** What pool and block refuse alike, as `validate_serve_axon` does; the runtime lets an address of zeros pass. */
export function checkAxon(state: State, genesis: Genesis, { netuid, ip, port }: CallOf<'serveAxon'>, signer: Hotkey): void {
  const uid = netuid === genesis.netuid ? state.uids.get(signer) : undefined;
  check(uid !== undefined, 'HotKeyNotRegisteredInNetwork', `Expected a hotkey registered in subnet ${netuid}`);
  check(isPublic(ip), 'InvalidIpAddress', `Expected an address that others can reach, got ${ip}`);
  const next = (state.neurons[uid]!.axon?.block ?? -SERVING_RATE_LIMIT) + SERVING_RATE_LIMIT;
  check(state.number >= next, 'ServingRateLimitExceeded', `Expected block ${next} or later, got ${state.number}`);
  check(port !== 0, 'InvalidPort', 'Expected a port from 1 to 65535, got 0');
}

function isPublic(ip: string): boolean {
  const { type, value } = ipNumber(ip);
  return type === 4 ? value !== MAX_IPV4 && value !== LOOPBACK_IPV4 : value !== MAX_IPV6 && value !== 1n;
}

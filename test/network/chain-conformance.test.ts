import { chainConformance } from '../chain/conformance/chain-conformance.ts';
import { localNetworks } from '../chain/conformance/local-network.ts';

chainConformance('the local chain', localNetworks('stateful'));
chainConformance('the local chain on the schedule of older runtimes', localNetworks('stateless'));

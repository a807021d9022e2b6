import { createSubtensorChain } from '../../genki/chain/subtensor/subtensor-chain.ts';
import { chainConformance } from '../chain/conformance/chain-conformance.ts';
import { wireNetworks } from '../chain/conformance/wire-network.ts';

const connect = async (url: string) => createSubtensorChain({ endpoints: [url] });

chainConformance('a subtensor chain over the wire', wireNetworks('stateful', connect));
chainConformance('a subtensor chain of an older runtime over the wire', wireNetworks('stateless', connect));

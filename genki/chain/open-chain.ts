import { InvalidInput } from '../errors.ts';
import type { Chain } from './chain.ts';
import { createLocalChain } from './local/local-chain.ts';

export type ChainAddress = {
  /** `http://…` of a local chain's node, or `ws://…` and `wss://…` of one or more nodes of a subtensor, by commas. */
  readonly address: string;
  /** A subtensor node with the states of all blocks. */
  readonly archive?: string;
  /** For an answer; unless told, as each kind of chain has it. */
  readonly timeoutMs?: number;
};

/** True for what `openChain` takes. */
export const isChainAddress = (text: string): boolean => kindOf(text) !== undefined;

/** The chain at an address; nothing is asked yet. @throws {InvalidInput} on what is no address of one */
export async function openChain({ address, archive, timeoutMs }: ChainAddress): Promise<Chain> {
  const kind = kindOf(address);
  const patience = timeoutMs === undefined ? {} : { timeoutMs };
  if (kind === 'local') return createLocalChain({ url: address, ...patience });
  if (kind === undefined) throw new InvalidInput('Expected a chain at http://…, ws://… or wss://…, several of the latter by commas');
  // most processes have no use for it, and it takes a second to load
  const { createSubtensorChain } = await import('./subtensor/subtensor-chain.ts');
  return createSubtensorChain({ endpoints: partsOf(address), ...patience, ...(archive !== undefined && { archive }) });
}

function kindOf(address: string): 'local' | 'subtensor' | undefined {
  const protocols = new Set(partsOf(address).map((part) => (URL.canParse(part) ? new URL(part).protocol : '')));
  if (protocols.size === 1 && /^https?:$/.test([...protocols][0]!) && !address.includes(',')) return 'local';
  return protocols.size > 0 && [...protocols].every((protocol) => /^wss?:$/.test(protocol)) ? 'subtensor' : undefined;
}

const partsOf = (address: string): string[] => address.split(',').map((part) => part.trim());

import type { Chain, Hotkey } from '../../genki/chain/chain.ts';
import { ChainUnavailable } from '../../genki/errors.ts';

/** The coldkey of each hotkey that is registered on the subnet. */
export type Coldkeys = ReadonlyMap<Hotkey, string>;

/** How long what the chain said last is good while it is silent: whoever holds a lease can renew it meanwhile. */
const SILENCE_MS = 60 * 60_000;

export type Registry = {
  /** As the chain said it at most `maxAgeMs` ago. @throws {ChainUnavailable} when it has been silent for an hour, or from the beginning */
  read(maxAgeMs: number): Promise<Coldkeys>;
};

/**
 * Asks the chain who is registered, once for all who want to know at the same time.
 * @param retryMs after a failure, how long it is not asked again
 */
export function createRegistry({ chain, netuid, retryMs, now }: { readonly chain: Chain; readonly netuid: number; readonly retryMs: number; readonly now: () => number }): Registry {
  let known: { readonly coldkeys: Coldkeys; readonly at: number } | undefined;
  let failedAt = -Infinity;
  let asking: Promise<void> | undefined;
  const ask = async (): Promise<void> => {
    const at = now();
    try {
      const { neurons } = await chain.metagraph(netuid, (await chain.head()).hash);
      known = { coldkeys: new Map(neurons.map(({ hotkey, coldkey }) => [hotkey, coldkey])), at };
    } catch (error) {
      if (!(error instanceof ChainUnavailable)) throw error;
      failedAt = now();
      if (known === undefined) throw error;
    }
  };
  return {
    async read(maxAgeMs) {
      const isOld = known === undefined || now() - known.at > maxAgeMs;
      if (isOld && now() - failedAt > retryMs) await (asking ??= ask().finally(() => { asking = undefined; }));
      if (known === undefined || now() - known.at > Math.max(maxAgeMs, SILENCE_MS)) throw new ChainUnavailable('Expected to know who is registered, the chain has been silent');
      return known.coldkeys;
    },
  };
}

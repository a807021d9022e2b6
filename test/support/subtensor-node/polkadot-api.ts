import { ApiPromise, Keyring, WsProvider } from '@polkadot/api';
import type { SubmittableExtrinsic } from '@polkadot/api/types';
import type { KeyringPair } from '@polkadot/keyring/types';
import type { ProviderInterface } from '@polkadot/rpc-provider/types';
import type { ISubmittableResult } from '@polkadot/types/types';
import type { Genesis } from '../../../genki/chain/local/genesis.ts';
import { genesis, secret, stranger } from '../../genki/chain/support.ts';
import { startNode } from './node-server.ts';
import { WireChain } from './wire-chain.ts';
import { wireRuntime, type RuntimeOptions } from './wire-runtime.ts';

const keys = new Keyring({ type: 'sr25519', ss58Format: 42 });
/** Of a development path. */
export const pair = (path: string): KeyringPair => keys.addFromUri(path);

/** The library's own provider; only under its looser compiler settings is it what its own type asks for. */
export const apiAt = (url: string): Promise<ApiPromise> => ApiPromise.create({ provider: new WsProvider(url, 50) as unknown as ProviderInterface, noInitWarn: true, throwOnConnect: true });

/** polkadot.js itself on one side, the node on the other. */
export async function connected(settings: Partial<Genesis> = {}, runtime: RuntimeOptions = {}) {
  const chain = new WireChain({ genesis: genesis({ balances: [{ account: stranger.hotkey, balance: '5000000000' }], ...settings }), secret, runtime: wireRuntime(runtime) });
  const node = await startNode(chain);
  const api = await apiAt(node.url);
  const close = async (): Promise<void> => {
    await api.disconnect();
    await node.close();
  };
  return { chain, node, api, close };
}
export type Connected = Awaited<ReturnType<typeof connected>>;

/** Signs, sends and makes blocks until it is final: the names of its error and of its own events, and its block. */
export async function finalized({ api, chain }: Connected, call: SubmittableExtrinsic<'promise'>, signer: KeyringPair) {
  const result = await new Promise<ISubmittableResult>((resolve, reject) => {
    call
      .signAndSend(signer, { era: 32 }, (status) => {
        if (status.status.isReady) queueMicrotask(() => chain.produceBlocks(3));
        if (status.isFinalized) resolve(status);
        if (status.isError) reject(new Error(status.status.type));
      })
      .catch(reject);
  });
  const error = result.dispatchError;
  const name = error?.isModule ? api.registry.findMetaError(error.asModule).name : error?.type;
  return { name, events: result.events.map(({ event }) => `${event.section}.${event.method}`), block: result.status.asFinalized.toHex() };
}

/** A commitment of one raw field. */
export const raw = (api: ApiPromise, data: string) => api.tx['commitments']!['setCommitment']!(1, { fields: [{ [`Raw${data.length / 2}`]: `0x${data}` }] });

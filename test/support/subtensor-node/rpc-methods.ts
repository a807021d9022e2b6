import { blake2AsHex } from '@polkadot/util-crypto/blake2';
import * as z from 'zod';
import { headerJson } from './header.ts';
import { invalidParams, methodNotFound } from './rpc-failure.ts';
import { callRuntime, feeInfo, versionJson } from './runtime-apis.ts';
import { Address, Count, Hex, Keys, MaybeHash } from './rpc-values.ts';
import { fromHex, toHex } from './wire-runtime.ts';
import type { WireView } from './wire-view.ts';

type Method = (view: WireView, params: readonly unknown[]) => unknown;

/** A method whose parameters are by place; those that stay out are undefined or null. */
const method =
  <T extends readonly z.ZodType[]>(schemas: readonly [...T], answer: (view: WireView, ...params: { [I in keyof T]: z.infer<T[I]> }) => unknown): Method =>
  (view, params) => {
    const parsed = schemas.map((schema, i) => schema.safeParse(params[i] ?? undefined));
    const wrong = parsed.find(({ success }) => !success);
    if (wrong?.error) throw invalidParams(z.prettifyError(wrong.error));
    return answer(view, ...(parsed.map(({ data }) => data) as { [I in keyof T]: z.infer<T[I]> }));
  };

const storage = method([Hex, MaybeHash], (view, key, at) => view.storageAt(view.stateOf(at)).get(key) ?? null);
const blockHash = method([z.union([Count, z.array(Count)]).optional()], (view, number) => {
  const hashOf = (of: number): string | null => view.byNumber(of)?.hash ?? null;
  if (number === undefined) return view.best.hash;
  return Array.isArray(number) ? number.map(hashOf) : hashOf(number);
});
const metadata = method([MaybeHash], (view, at) => toHex(view.stateOf(at).code.metadata));
const runtimeVersion = method([MaybeHash], (view, at) => versionJson(view.stateOf(at).code));
const queryAt = method([Keys, MaybeHash], (view, keys, at) => {
  const block = view.stateOf(at);
  const values = view.storageAt(block);
  return [{ block: block.hash, changes: keys.map((key) => [key, values.get(key) ?? null]) }];
});

/** JSON-RPC of a Substrate node, as far as a client of subtensor uses it. */
const METHODS: Readonly<Record<string, Method>> = {
  chain_getBlockHash: blockHash,
  chain_getHead: blockHash,
  chain_getFinalizedHead: method([], (view) => view.finalized.hash),
  chain_getHeader: method([MaybeHash], (view, hash) => {
    const block = hash ? view.byHash(hash) : view.best;
    return block ? headerJson(block.header) : null;
  }),
  chain_getBlock: method([MaybeHash], (view, hash) => {
    const block = hash ? view.byHash(hash) : view.best;
    return block ? { block: { header: headerJson(block.header), extrinsics: view.extrinsicsOf(block) }, justifications: null } : null;
  }),
  state_getMetadata: metadata,
  state_getRuntimeVersion: runtimeVersion,
  chain_getRuntimeVersion: runtimeVersion,
  state_getStorage: storage,
  state_getStorageAt: storage,
  state_getStorageHash: method([Hex, MaybeHash], (view, key, at) => {
    const value = view.storageAt(view.stateOf(at)).get(key);
    return value === undefined ? null : blake2AsHex(value);
  }),
  state_getStorageSize: method([Hex, MaybeHash], (view, key, at) => {
    const value = view.storageAt(view.stateOf(at)).get(key);
    return value === undefined ? null : fromHex(value).length;
  }),
  state_queryStorageAt: queryAt,
  state_getKeysPaged: method([Hex.optional(), Count, Hex.optional(), MaybeHash], (view, prefix = '0x', count, start, at) => {
    const keys = [...view.storageAt(view.stateOf(at)).keys()].filter((key) => key.startsWith(prefix) && (start === undefined || key > start));
    return keys.slice(0, count);
  }),
  state_call: method([z.string(), Hex, MaybeHash], (view, name, input, at) => callRuntime(view.stateOf(at), view.chain.genesis, { method: name, input })),
  system_accountNextIndex: method([Address], (view, account) => view.chain.nextNonce(account)),
  system_chain: method([], () => 'Bittensor'),
  system_chainType: method([], () => 'Live'),
  system_name: method([], () => 'Subtensor Node'),
  system_version: method([], () => '4.0.0-dev'),
  system_properties: method([], () => ({ isEthereum: false, ss58Format: 42, tokenDecimals: 9, tokenSymbol: 'TAO' })),
  system_health: method([], () => ({ peers: 8, isSyncing: false, shouldHavePeers: true })),
  author_submitExtrinsic: method([z.string()], (view, hex) => view.chain.submit(hex)),
  author_pendingExtrinsics: method([], (view) => view.chain.waiting().map(({ hex }) => hex)),
  payment_queryInfo: method([Hex, MaybeHash], (view) => ({ ...feeInfo(view.chain.genesis), class: 'normal' })),
};

/** @throws {RpcFailure} */
export function answer(view: WireView, name: string, params: readonly unknown[]): unknown {
  const known = Object.hasOwn(METHODS, name) ? METHODS[name] : undefined;
  if (!known) throw methodNotFound();
  return known(view, params);
}

export const methodNames = (): string[] => Object.keys(METHODS);

import * as z from 'zod';
import { headerJson } from './header.ts';
import { Keys } from './rpc-values.ts';
import { versionJson } from './runtime-apis.ts';
import type { WireBlock } from './wire-block.ts';
import type { Change } from './wire-chain.ts';
import type { WireView } from './wire-view.ts';

/** What a subscription tells of each change of the chain, the first time when it begins. */
export type Subscription = {
  /** The method that its notices have. */
  readonly notice: string;
  /** At once. */
  readonly first: readonly unknown[];
  readonly hear: (change: Change) => readonly unknown[];
};

type Subscribe = (view: WireView, params: readonly unknown[]) => Subscription;

const SUBSCRIBE: Readonly<Record<string, Subscribe>> = {
  chain_subscribeNewHeads: (view) => heads('chain_newHead', () => view.best),
  chain_subscribeNewHead: (view) => heads('chain_newHead', () => view.best),
  chain_subscribeAllHeads: (view) => heads('chain_allHead', () => view.best),
  // of several blocks that become final together the newest alone is told, as by a node
  chain_subscribeFinalizedHeads: (view) => heads('chain_finalizedHead', () => view.finalized),
  chain_subscribeFinalisedHeads: (view) => heads('chain_finalizedHead', () => view.finalized),
  state_subscribeRuntimeVersion: runtimeVersions,
  chain_subscribeRuntimeVersion: runtimeVersions,
  state_subscribeStorage: storageChanges,
  author_submitAndWatchExtrinsic: watch,
};

/** Undefined for a method that does not begin a subscription. @throws {RpcFailure} */
export function subscriptionFor(view: WireView, name: string, params: readonly unknown[]): Subscription | undefined {
  return Object.hasOwn(SUBSCRIBE, name) ? SUBSCRIBE[name]!(view, params) : undefined;
}

export const isUnsubscribe = (name: string): boolean => /_unsubscribe|_unwatch/.test(name);

export const subscriptionNames = (): string[] => Object.keys(SUBSCRIBE);

function heads(notice: string, newest: () => WireBlock): Subscription {
  let told = newest();
  return {
    notice,
    first: [headerJson(told.header)],
    hear({ kind }) {
      const block = newest();
      if (block === told || (kind !== 'imported' && kind !== 'finalized')) return [];
      told = block;
      return [headerJson(block.header)];
    },
  };
}

function runtimeVersions(view: WireView): Subscription {
  let told = view.best.code;
  return {
    notice: 'state_runtimeVersion',
    first: [versionJson(told)],
    hear() {
      const { code } = view.best;
      if (code === told) return [];
      told = code;
      return [versionJson(code)];
    },
  };
}

function storageChanges(view: WireView, params: readonly unknown[]): Subscription {
  const keys = Keys.parse(params[0] ?? []);
  const read = (): Map<string, string | null> => {
    const storage = view.storageAt(view.best);
    return new Map(keys.map((key) => [key, storage.get(key) ?? null]));
  };
  let told = read();
  return {
    notice: 'state_storage',
    first: [{ block: view.best.hash, changes: [...told] }],
    hear({ kind }) {
      if (kind !== 'imported') return [];
      const now = read();
      const changes = [...now].filter(([key, value]) => told.get(key) !== value);
      told = now;
      return changes.length > 0 ? [{ block: view.best.hash, changes }] : [];
    },
  };
}

function watch({ chain }: WireView, params: readonly unknown[]): Subscription {
  const hash = chain.submit(z.string().parse(params[0]));
  const has = ({ signed }: WireBlock): boolean => signed.some((extrinsic) => extrinsic.hash === hash);
  return {
    notice: 'author_extrinsicUpdate',
    first: ['ready', { broadcast: ['12D3KooWtest'] }],
    hear(change) {
      switch (change.kind) {
        case 'imported':
          return has(change.block) ? [{ inBlock: change.block.hash }] : [];
        case 'retracted':
          return has(change.block) ? [{ retracted: change.block.hash }] : [];
        case 'finalized':
          return change.blocks.filter(has).map((block) => ({ finalized: block.hash }));
        case 'invalid':
          return change.hash === hash ? ['invalid'] : [];
        case 'lost':
          return [];
      }
    },
  };
}

import type { Registry } from '@polkadot/types/types';
import { stringCamelCase } from '@polkadot/util';
import { variantsOf, type Field } from './shape.ts';

/** A call as the metadata names it: `api.tx[pallet][method](...Object.values(args))`. */
export type RuntimeCall = {
  /** Camel case, as `subtensorModule`. */
  readonly pallet: string;
  readonly method: string;
  /** By name, in the runtime's order; values as `readValue` gives them. */
  readonly args: Readonly<Record<string, unknown>>;
};

export type CallShape = { readonly pallet: string; readonly method: string; /** pallet and call */ readonly index: readonly [number, number]; readonly fields: readonly Field[] };

type Table = { readonly byPallet: ReadonlyMap<string, readonly CallShape[]>; readonly byIndex: ReadonlyMap<number, CallShape> };

const tables = new WeakMap<Registry['lookup'], Table>();

/** Names of the pallets that have calls. */
export const palletsOf = (registry: Registry): string[] => [...tableOf(registry).byPallet.keys()];

/** The calls of a pallet; undefined where the runtime has no such pallet, or it no calls. */
export const callsOf = (registry: Registry, pallet: string): readonly CallShape[] | undefined => tableOf(registry).byPallet.get(pallet);

/** The call of two bytes. */
export const callAt = (registry: Registry, pallet: number, call: number): CallShape | undefined => tableOf(registry).byIndex.get(256 * pallet + call);

function tableOf(registry: Registry): Table {
  const table = tables.get(registry.lookup) ?? read(registry);
  tables.set(registry.lookup, table);
  return table;
}

function read(registry: Registry): Table {
  const byPallet = new Map(registry.metadata.pallets.flatMap(({ name, index, calls }) => {
    const pallet = stringCamelCase(name.toString());
    const shapes = calls.isSome ? variantsOf(registry, calls.unwrap().type.toNumber()).map((call): CallShape => ({ pallet, method: stringCamelCase(call.name), index: [index.toNumber(), call.index], fields: call.fields })) : [];
    return shapes.length > 0 ? [[pallet, shapes] as const] : [];
  }));
  return { byPallet, byIndex: new Map([...byPallet.values()].flat().map((shape) => [256 * shape.index[0] + shape.index[1], shape])) };
}

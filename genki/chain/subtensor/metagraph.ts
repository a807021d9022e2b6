import * as z from 'zod';
import { InvalidInput } from '../../errors.ts';
import type { Axon, BlockRef, Metagraph, Neuron } from '../chain.ts';
import { axonOf, RawAxon } from './axon.ts';
import type { StateAt } from './connection.ts';
import { clockOf } from './epochs.ts';
import { Address, json, U16, Rao, Whole } from './values.ts';

/** What the runtime's own view of a subnet has that is wanted here; lists are by uid. */
const RuntimeView = z.object({
  ownerHotkey: Address,
  hotkeys: z.array(Address),
  coldkeys: z.array(Address),
  axons: z.array(RawAxon),
  active: z.array(z.boolean()),
  validatorPermit: z.array(z.boolean()),
  lastUpdate: z.array(Whole),
  emission: z.array(Rao),
  dividends: z.array(U16),
  incentives: z.array(U16),
  consensus: z.array(U16),
  blockAtRegistration: z.array(Whole),
  totalStake: z.array(Rao),
});
type Columns = Omit<z.infer<typeof RuntimeView>, 'ownerHotkey' | 'axons'> & { readonly axons: readonly (Axon | null)[] };

/** A subnet by the runtime's own view, or from its storage where that runtime has none. @throws {InvalidInput} where there is no such subnet */
export async function metagraphAt(state: StateAt, at: BlockRef, netuid: number): Promise<Metagraph> {
  const [clock, columns, owner] = await Promise.all([clockOf(state, at, netuid), columnsOf(state, netuid), state.query['subtensorModule']!['subnetOwnerHotkey']!(netuid)]);
  return { netuid, at, ...clock, owner: Address.parse(json(owner)), neurons: neuronsOf(columns) };
}

async function columnsOf(state: StateAt, netuid: number): Promise<Columns> {
  const view = state.call['subnetInfoRuntimeApi']?.['getMetagraph'];
  if (!view) return await storedColumns(state, netuid);
  const answer = json(await view(netuid));
  if (answer === null) throw noSubnet(netuid);
  const { axons, ...columns } = RuntimeView.parse(answer);
  return { ...columns, axons: axons.map(axonOf) };
}

/** The same from storage; the stake is alpha and TAO by the runtime's weight of it, without what others have lent or been lent. */
async function storedColumns(state: StateAt, netuid: number): Promise<Columns> {
  const pallet = state.query['subtensorModule']!;
  if (json(await pallet['networksAdded']!(netuid)) !== true) throw noSubnet(netuid);
  const list = async <T>(name: string, schema: z.ZodType<T>): Promise<T[]> => z.array(schema).parse(json(await pallet[name]!(netuid)));
  const byUid = async <T>(name: string, schema: z.ZodType<T>): Promise<T[]> => {
    const entries = await pallet[name]!.entries(netuid);
    const pairs = entries.map(([key, value]): [number, T] => [U16.parse(json(key.args[1]!)), schema.parse(json(value))]);
    return pairs.sort(([a], [b]) => a - b).map(([, value]) => value);
  };
  const [hotkeys, blockAtRegistration, active, validatorPermit, lastUpdate, emission, dividends, incentives, consensus, taoWeight] = await Promise.all([
    byUid('keys', Address), byUid('blockAtRegistration', Whole),
    list('active', z.boolean()), list('validatorPermit', z.boolean()), list('lastUpdate', Whole), list('emission', Rao), list('dividends', U16), list('incentive', U16), list('consensus', U16),
    pallet['taoWeight']?.() ?? 0,
  ]);
  const many = async <T>(name: string, keys: readonly unknown[], schema: z.ZodType<T>): Promise<T[]> => (await pallet[name]!.multi([...keys])).map((value) => schema.parse(json(value)));
  const [coldkeys, alpha, tao, axons] = await Promise.all([
    many('owner', hotkeys, Address),
    many('totalHotkeyAlpha', hotkeys.map((hotkey) => [hotkey, netuid]), Rao),
    many('totalHotkeyAlpha', hotkeys.map((hotkey) => [hotkey, 0]), Rao),
    many('axons', hotkeys.map((hotkey) => [netuid, hotkey]), RawAxon.nullable()),
  ]);
  const weight = BigInt(Rao.parse(json(taoWeight)));
  const totalStake = alpha.map((own, uid) => String(BigInt(own) + ((BigInt(tao[uid]!) * weight) >> 64n)));
  return { hotkeys, coldkeys, axons: axons.map(axonOf), blockAtRegistration, active, validatorPermit, lastUpdate, emission, dividends, incentives, consensus, totalStake };
}

const neuronsOf = (columns: Columns): Neuron[] =>
  columns.hotkeys.map((hotkey, uid) => ({
    uid,
    hotkey,
    coldkey: columns.coldkeys[uid]!,
    registeredAt: columns.blockAtRegistration[uid]!,
    stake: columns.totalStake[uid]!,
    validatorPermit: columns.validatorPermit[uid]!,
    active: columns.active[uid]!,
    lastUpdate: columns.lastUpdate[uid]!,
    consensus: columns.consensus[uid]!,
    incentive: columns.incentives[uid]!,
    dividends: columns.dividends[uid]!,
    emission: columns.emission[uid]!,
    axon: columns.axons[uid]!,
  }));

const noSubnet = (netuid: number): InvalidInput => new InvalidInput(`Expected a subnet of the chain, it has no ${netuid}`);

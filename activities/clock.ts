import * as z from 'zod';
import type { Chain } from '../genki/chain/chain.ts';
import { looksSecret } from '../genki/chain/looks-secret.ts';
import { ChainUnavailable, InvalidInput } from '../genki/errors.ts';
import { canonicalJson } from '../genki/protocol/canonical-json.ts';
import { missedOf, type Span } from '../genki/protocol/clock.ts';
import { windowOf } from '../genki/protocol/window.ts';
import type { ObjectStore } from '../genki/store/object-store.ts';
import { begunIn, ledgerKey, type Ledger, type Unit } from './clock-ledger.ts';
import type { Deployment } from './deployment.ts';
import { parseInput } from './parse-input.ts';
import { participantOf, type Participant } from './participants.ts';
import { putFirst } from './put-first.ts';

const TickInput = z.strictObject({
  /** Hotkey or name of one participant of this machine; default: everybody whom it concerns. */
  hotkey: z.string().min(1).optional(),
});
export type TickInput = z.infer<typeof TickInput>;

/** What is to be begun for one participant. */
export type Turn = {
  readonly name: string;
  readonly hotkey: string;
  readonly privateBucket: string;
  readonly role: 'miner' | 'validator';
  /** The one name under which it can run, whoever begins it. */
  readonly workflowId: string;
  /** What has passed since the last one that was begun. */
  readonly missed: Span | null;
};

/** The clock at the finalized head, and who has not begun yet what it shows. */
export type Due = {
  readonly netuid: number;
  readonly unit: Unit;
  /** The finalized block. */
  readonly head: number;
  /** Of the epoch or window that this block lies in. */
  readonly number: number;
  readonly turns: readonly Turn[];
};

export type ClockDeps = { readonly chain: Chain; readonly store: ObjectStore; readonly deployment: Deployment; readonly participants: () => Promise<readonly Participant[]> };
export type ClockActivities = ReturnType<typeof createClockActivities>;

export const createClockActivities = ({ chain, store, deployment, participants }: ClockDeps) => {
  const { netuid, timing, delta } = deployment.competition;
  const turnsOf = async (those: readonly Participant[], unit: Unit, number: number): Promise<Turn[]> => {
    const turns = await Promise.all(those.map((one) => turnOf(store, one, { unit, netuid, number })));
    return turns.filter((turn) => turn !== undefined);
  };
  return {
    /** The validators without a round of the chain's current epoch. */
    async dueRounds(input: unknown): Promise<Due> {
      const { hotkey } = parseInput(TickInput, input, 'epochTick');
      const validators = wanted(await participants(), 'validator', hotkey);
      const head = await chain.head();
      const { epoch } = await chain.metagraph(netuid, head.hash);
      return { netuid, unit: 'epoch', head: head.number, number: epoch, turns: await turnsOf(validators, 'epoch', epoch) };
    },

    /** The miners without a training window of the current window; where updates of windows are exchanged, the validators too who do not close it yet. */
    async dueWindows(input: unknown): Promise<Due> {
      const { hotkey } = parseInput(TickInput, input, 'windowTick');
      const everybody = await participants();
      const head = await chain.head();
      const index = windowOf(head.number, timing.windowBlocks);
      const those = delta ? inWindows(everybody, hotkey, delta) : wanted(everybody, 'miner', hotkey);
      return { netuid, unit: 'window', head: head.number, number: index, turns: await turnsOf(those, 'window', index) };
    },

    /** Remembers for ever that it was begun, and what was missed before; Temporal forgets what has ended after some days. */
    async recordBegun({ due: { unit, netuid: subnet, number }, turn }: { due: Omit<Due, 'turns'>; turn: Turn }): Promise<void> {
      const { privateBucket: bucket, workflowId, missed } = turn;
      const body = new TextEncoder().encode(canonicalJson({ version: 1, workflowId, missed }));
      await putFirst(store, { bucket, key: ledgerKey({ bucket, unit, netuid: subnet }, number) }, body);
    },
  };
};

async function turnOf(store: ObjectStore, { name, hotkey, privateBucket, role }: Participant, { unit, netuid, number }: Pick<Due, 'unit' | 'netuid' | 'number'>): Promise<Turn | undefined> {
  const ledger: Ledger = { bucket: privateBucket, unit, netuid };
  if (await store.head(privateBucket, ledgerKey(ledger, number))) return undefined;
  const begun = await begunIn(store, ledger);
  const newest = begun.at(-1) ?? -1;
  if (newest > number) throw new ChainUnavailable(`Expected the chain's finalized head in ${unit} ${newest} or later, which was begun for ${name}, got ${unit} ${number}: this node is behind, or of another chain`);
  const gap = missedOf(begun, number).at(-1);
  const isValidator = role === 'validator';
  const type = unit === 'epoch' ? 'validation' : isValidator ? 'closing' : 'training';
  return { name, hotkey, privateBucket, role: isValidator ? 'validator' : 'miner', workflowId: `${type}/${netuid}/${number}/${hotkey}`, missed: gap?.to === number - 1 ? gap : null };
}

/** The one who is named, or all that can: where there is public music a miner needs none of its own. */
function inWindows(all: readonly Participant[], named: string | undefined, { pages }: NonNullable<Deployment['competition']['delta']>): Participant[] {
  const able = all.filter(({ role, dataset }) => role === 'validator' || (role === 'miner' && (pages !== undefined || dataset !== undefined)));
  const those = able.filter(({ hotkey, name }) => named === undefined || hotkey === named || name === named);
  if (those.length > 0) return those;
  throw new InvalidInput(`Expected a validator of this machine, or a miner${pages ? '' : ' with a dataset'}, got ${named === undefined ? 'none' : looksSecret(named) ? 'what may be a secret' : named}`);
}

/** The one who is named, or all that can: a miner needs music to train on. */
function wanted(all: readonly Participant[], role: 'validator' | 'miner', named: string | undefined): Participant[] {
  const those = named === undefined ? all.filter((p) => p.role === role) : [participantOf(all, role, named)];
  const able = those.filter((p) => role === 'validator' || p.dataset !== undefined);
  if (able.length > 0) return able;
  throw new InvalidInput(`Expected a ${role} of this machine${role === 'miner' ? ' with a dataset' : ''}, got ${named ?? 'none'}`);
}

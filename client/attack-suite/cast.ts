import { handIn, type HandedIn, type Miner } from '../../genki/attacks/hand-in.ts';
import type { Clip } from '../../genki/music/clip.ts';
import { encodeAdapter, type Adapter } from '../../genki/music/lora.ts';
import { Random } from '../../genki/protocol/random.ts';
import { shard, train } from './miners.ts';
import { minerNamed, type Epoch, type Honest, type Stage } from './stage.ts';
import type { Commit, Commits } from './street.ts';

/** A hotkey of the attacker's, and what it hands in. */
export type Hostile = { readonly miner: Miner; readonly handed: HandedIn };

/**
 * Where the attackers' commits stand among the honest ones', each of which has a block of its own: before all, in the
 * victim's block and before it, after all, or after the snapshot.
 */
export type Place = { readonly at: 'first' | 'last' | 'late' } | { readonly at: 'before'; readonly victim: string };

/** An attack as it is played. */
export type Play = {
  readonly epoch: Epoch;
  readonly attackers: readonly Hostile[];
  readonly place: Place;
  /** Honest miners in whose place the attacker hands in: what they earn is its own. */
  readonly own?: readonly string[];
  /** Honest miners that are not registered any more, neither with the attack nor without. */
  readonly gone?: readonly string[];
  /** Goes on while the round looks at the submissions; ends it. */
  readonly meanwhile?: (root: string) => Promise<() => Promise<void>>;
};

/** Who an attack can be made from: the honest miners of an epoch, whose work is public once their keys are. */
export class Cast {
  readonly stage: Stage;
  readonly epoch: Epoch;
  readonly #laterEpoch: () => Promise<Cast>;

  constructor(stage: Stage, epoch: Epoch, laterEpoch: () => Promise<Cast>) {
    this.stage = stage;
    this.epoch = epoch;
    this.#laterEpoch = laterEpoch;
  }

  /** The next epoch, on the Dama that this one merges. */
  later(): Promise<Cast> {
    return this.#laterEpoch();
  }

  honest(style: string): Honest {
    const found = this.epoch.honest.find(({ name }) => name === style);
    if (!found) throw new RangeError(`Expected an honest miner of ${this.epoch.honest.map(({ name }) => name).join(', ')}, got ${style}`);
    return found;
  }

  adapter(style: string): Adapter {
    return this.honest(style).adapter;
  }

  /** Somebody whom nobody knows; a name in one scenario only. */
  miner(name: string): Miner {
    return minerNamed(`${name}-${this.epoch.plan.epoch}`);
  }

  /** Hands in an adapter as an honest miner would. */
  hostile(name: string, adapter: Adapter): Hostile {
    return this.file(name, encodeAdapter(adapter));
  }

  /** Hands in any file as an adapter. */
  file(name: string, bytes: Uint8Array): Hostile {
    const miner = this.miner(name);
    return { miner, handed: handIn(bytes, { by: miner, on: this.epoch.on }) };
  }

  random(name: string): Random {
    return new Random(`attack-suite/${name}`);
  }

  /** An adapter of the attacker's own. */
  train(name: string, clips: readonly Clip[], steps?: number): Promise<Adapter> {
    return train(this.epoch.workshop, { name, clips, seed: `attack-suite/${name}`, ...(steps !== undefined && { steps }) });
  }

  /** The attacker's own music in a style: another draw than the honest miner's. */
  music(style: string): readonly Clip[] {
    return shard(style, 'attack-suite/attacker');
  }
}

/** Every honest miner in a block of its own, and the attackers where they want to be. */
export function commitsOf({ epoch, attackers, place, own = [], gone = [] }: Play): Commits {
  const before = epoch.standing ? [[epoch.standing]] : [];
  const commit = ({ miner, handed }: Pick<Honest, 'miner' | 'handed'>): Commit => ({ signer: miner.signer, record: handed.record });
  const hostile = attackers.map(commit);
  const honest = epoch.honest.filter(({ name }) => !own.includes(name) && !gone.includes(name));
  const blocks = honest.map((one) => (place.at === 'before' && place.victim === one.name ? [...hostile, commit(one)] : [commit(one)]));
  switch (place.at) {
    case 'before':
      return { blocks: [...before, ...blocks], late: [] };
    case 'first':
      return { blocks: [...before, hostile, ...blocks], late: [] };
    case 'last':
      return { blocks: [...before, ...blocks, hostile], late: [] };
    case 'late':
      return { blocks: [...before, ...blocks], late: hostile };
  }
}

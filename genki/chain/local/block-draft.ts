import type { Failure } from './branch.ts';
import type { DecodedExtrinsic } from './extrinsic.ts';
import type { Genesis } from './genesis.ts';
import { applyExtrinsic, beginBlock, isValid, type Outcome } from './runtime.ts';
import type { State } from './state.ts';

/** The block being made on top of a state; extrinsics are tried one by one. */
export class BlockDraft {
  readonly #genesis: Genesis;
  readonly #parent: State;
  readonly inclusions: { readonly hash: string; readonly outcome: Outcome }[] = [];
  readonly extrinsics: string[] = [];
  state: State;

  constructor(parent: State, genesis: Genesis, pulse: string | null) {
    this.#genesis = genesis;
    this.#parent = parent;
    this.state = beginBlock(parent, genesis, pulse);
  }

  /** True when the extrinsic is in, whether or not its call succeeded; false when this block cannot take it. */
  include(extrinsic: DecodedExtrinsic): boolean {
    const { number } = this.state;
    const inEra = extrinsic.bornAt < number && number <= extrinsic.diesAt;
    if (!inEra || !isValid(this.state, this.#genesis, extrinsic)) return false;
    const { state, outcome } = applyExtrinsic(this.state, this.#genesis, extrinsic, this.extrinsics.length);
    this.state = state;
    this.inclusions.push({ hash: extrinsic.hash, outcome });
    this.extrinsics.push(extrinsic.hex);
    return true;
  }

  get failures(): Failure[] {
    return this.inclusions.flatMap(({ outcome }, index) => (outcome ? [{ index, ...outcome }] : []));
  }

  /** What it takes to execute this block, in extrinsics: an epoch is about one for each neuron. */
  get work(): number {
    const ranEpoch = this.state.epoch !== this.#parent.epoch;
    return 1 / 8 + this.extrinsics.length + (ranEpoch ? this.state.neurons.length : 0);
  }
}

import type { Call, Signer } from '../../../../genki/chain/chain.ts';
import { authorPulse } from '../../../../genki/chain/local/block.ts';
import { precheck } from '../../../../genki/chain/local/dispatch.ts';
import type { Genesis } from '../../../../genki/chain/local/genesis.ts';
import { applyExtrinsic, beginBlock } from '../../../../genki/chain/local/runtime.ts';
import { accountOf, genesisState, type Account, type NeuronState, type State } from '../../../../genki/chain/local/state.ts';
import { genesis, secret } from '../support.ts';

/** The beacon's pulses are the same in every test, and slow to make. */
const pulses = new Map<number, string | null>();
function pulseOf(rules: Genesis, round: number): string | null {
  if (rules.beacon && !pulses.has(round)) pulses.set(round, authorPulse(secret, rules, round));
  return rules.beacon ? pulses.get(round)! : null;
}

/** A subnet by its runtime alone: blocks when asked, nothing signed, nothing kept. */
export class Subnet {
  readonly genesis: Genesis;
  state: State;
  #index = 0;

  constructor(settings: Partial<Genesis> = {}) {
    this.genesis = genesis(settings);
    this.state = genesisState(this.genesis);
  }

  /** Begins the next block, or the blocks up to `number`. */
  block(number = this.state.number + 1): this {
    while (this.state.number < number) {
      this.state = beginBlock(this.state, this.genesis, pulseOf(this.genesis, this.state.number + 1));
      this.#index = 0;
    }
    return this;
  }

  /** Applies a call in the present block; the name of its error, or undefined. */
  call({ hotkey: signer }: Pick<Signer, 'hotkey'>, call: Call): string | undefined {
    const { state, outcome } = applyExtrinsic(this.state, this.genesis, { signer, nonce: this.account({ hotkey: signer }).nonce, call }, this.#index++);
    this.state = state;
    return outcome?.code;
  }

  /** What the pool says of a call for the next block: the name of its error, or undefined. */
  precheck({ hotkey }: Signer, call: Call): string | undefined {
    try {
      precheck({ ...this.state, number: this.state.number + 1 }, this.genesis, call, hotkey);
      return undefined;
    } catch (error) {
      return (error as { code: string }).code;
    }
  }

  account({ hotkey }: Pick<Signer, 'hotkey'>): Account {
    return accountOf(this.state, hotkey);
  }

  neuron({ hotkey }: Signer): NeuronState {
    return this.state.neurons[this.state.uids.get(hotkey)!]!;
  }
}

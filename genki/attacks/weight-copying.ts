import type { Call } from '../chain/chain.ts';
import { createSigner } from '../chain/keys.ts';
import { defaultGenesis } from '../chain/local/genesis.ts';
import { applyExtrinsic, beginBlock } from '../chain/local/runtime.ts';
import { genesisState, type State } from '../chain/local/state.ts';
import { weightsCommitHash } from '../chain/weights-commit.ts';
import { maxUpscale } from '../chain/yuma/max-upscale.ts';
import { Random } from '../protocol/random.ts';

const TEMPO = 10;
const MINERS = 5;
/** Epochs until bonds have settled; those after them count. */
const WARM_UP = 5;
const STAKE_RAO = { honest: '45000000000', copier: '10000000000' } as const;

export type WeightCopying = { /** Part of the stake that the copier holds. */ readonly stake: number; /** Its part of all dividends, mean over the epochs. */ readonly dividends: number };

/**
 * A validator that evaluates nothing and sets the weights that it reads of another one on the chain, beside two honest
 * ones, through the local chain's own runtime and Yuma. What is worth what changes in each epoch, at random.
 *
 * Weights in the open can be copied in the epoch that they are for, so it earns as much for its stake as who does the
 * work. Under commit-reveal it reads them an epoch later and is read yet one later: what it says then is of the past, and
 * what of it exceeds the consensus is clipped.
 *
 * @param epochs that count
 */
export function weightCopying({ commitReveal, epochs, seed }: { readonly commitReveal: boolean; readonly epochs: number; readonly seed: string }): WeightCopying {
  const subnet = new Subnet(commitReveal);
  const random = new Random(`weight-copying/${seed}`);
  let dividends = 0;
  for (let epoch = 0; epoch < WARM_UP + epochs; epoch++) {
    const own = maxUpscale(Array.from({ length: MINERS }, () => 1 + random.int(65_535)));
    subnet.nextBlock();
    for (const who of subnet.validators) subnet.reveal(who);
    subnet.nextBlock();
    for (const who of subnet.honest) subnet.say(who, own);
    subnet.nextBlock();
    const seen = subnet.seen();
    if (seen) subnet.say(subnet.copier, seen);
    subnet.endEpoch();
    if (epoch >= WARM_UP) dividends += subnet.dividends() / epochs;
  }
  return { stake: Number(STAKE_RAO.copier) / (2 * Number(STAKE_RAO.honest) + Number(STAKE_RAO.copier)), dividends };
}

type Said = { readonly epoch: number; readonly weights: readonly number[] };

/** Three validators and their miners; uids 0 and 1 are honest, 2 copies, all others mine. */
class Subnet {
  readonly honest = [createSigner('//honest-1').hotkey, createSigner('//honest-2').hotkey];
  readonly copier = createSigner('//copier').hotkey;
  readonly validators = [...this.honest, this.copier];
  readonly #miners = Array.from({ length: MINERS }, (_, i) => createSigner(`//miner-${i}`).hotkey);
  readonly #uids = this.#miners.map((_, i) => this.validators.length + i);
  readonly #genesis;
  readonly #hidden = new Map<string, Said>();
  #state: State;
  #index = 0;

  constructor(commitReveal: boolean) {
    const owner = createSigner('//owner').hotkey;
    const neuron = (hotkey: string, stake: string) => ({ hotkey, coldkey: owner, stake, validatorPermit: stake !== '0' });
    const neurons = [...this.honest.map((who) => neuron(who, STAKE_RAO.honest)), neuron(this.copier, STAKE_RAO.copier), ...this.#miners.map((who) => neuron(who, '0'))];
    this.#genesis = defaultGenesis({ owner, tempo: TEMPO, weightsRateLimit: 0, commitReveal: { enabled: commitReveal, periodEpochs: 1, version: 4 }, neurons });
    this.#state = genesisState(this.#genesis);
  }

  nextBlock(): void {
    this.#state = beginBlock(this.#state, this.#genesis, null);
    this.#index = 0;
  }

  endEpoch(): void {
    const { epoch } = this.#state;
    while (this.#state.epoch === epoch) this.nextBlock();
  }

  /** Sets weights, or commits to them where they are hidden. */
  say(hotkey: string, weights: readonly number[]): void {
    const row = { netuid: this.#genesis.netuid, uids: this.#uids, weights, versionKey: 0 };
    if (!this.#genesis.commitReveal.enabled) return this.#apply(hotkey, { kind: 'setWeights', ...row });
    this.#apply(hotkey, { kind: 'commitWeights', netuid: row.netuid, hash: weightsCommitHash({ hotkey, ...row, salt: [this.#state.epoch] }) });
    this.#hidden.set(hotkey, { epoch: this.#state.epoch, weights });
  }

  /** Reveals what was hidden in the epoch before. */
  reveal(hotkey: string): void {
    const said = this.#hidden.get(hotkey);
    if (said) this.#apply(hotkey, { kind: 'revealWeights', netuid: this.#genesis.netuid, uids: this.#uids, weights: said.weights, salt: [said.epoch], versionKey: 0 });
  }

  /** What anybody can read of an honest validator's weights. */
  seen(): readonly number[] | undefined {
    const row = new Map(this.#state.neurons[0]!.weights);
    return row.size === 0 ? undefined : this.#uids.map((uid) => row.get(uid) ?? 0);
  }

  /** The copier's part of all. */
  dividends(): number {
    const all = this.#state.neurons.map(({ dividends }) => dividends);
    const sum = all.reduce((total, one) => total + one, 0);
    return sum === 0 ? 0 : all[this.honest.length]! / sum;
  }

  #apply(signer: string, call: Call): void {
    const nonce = this.#state.accounts.get(signer)?.nonce ?? 0;
    const { state, outcome } = applyExtrinsic(this.#state, this.#genesis, { signer, nonce, call }, this.#index++);
    if (outcome) throw new RangeError(`Expected ${call.kind} to be taken, got ${outcome.code}`);
    this.#state = state;
  }
}

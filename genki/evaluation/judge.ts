import { mergeWeights, touchedModules, type Delta } from '../federation/merge.ts';
import type { Clip } from '../music/clip.ts';
import type { Scorer } from '../music/scorer.ts';
import type { TensorMap } from '../protocol/safetensors.ts';
import type { Losses } from './held-out.ts';
import { termsOf, type Term } from './mix.ts';
import type { Residual } from './residual.ts';

/**
 * An update as the merge takes it: what it adds, loaded when it is needed, since all of a round's would not fit into memory;
 * the factor that clips its norm; and what it has of other candidates, without which it is merged.
 */
export type Candidate = { readonly delta: () => Promise<Delta>; readonly factor: number; readonly residual?: Residual };

export type JudgeOptions = {
  readonly scorer: Scorer;
  readonly base: TensorMap;
  readonly candidates: readonly Candidate[];
  /** Held-out clips; all losses are on these same ones. */
  readonly clips: readonly Clip[];
  /** Called after each evaluation. */
  readonly onEvaluation?: () => Promise<void>;
};

/** Held-out losses of merges. One judge at a time may use a scorer. */
export class Judge {
  readonly #options: JudgeOptions;
  /** Modules that a merge has changed so far: in all others the scorer has the base's weights. */
  readonly #touched = new Set<string>();

  constructor(options: JudgeOptions) {
    this.#options = options;
    options.scorer.load(options.base);
  }

  /** What a merge of some candidates takes of each, ascending; those that are taken out of others are among them. */
  terms(members: readonly number[], scale: number): Term[] {
    const ordered = [...new Set(members)].sort((a, b) => a - b);
    return termsOf(ordered.map((index) => ({ residual: [], ...this.#options.candidates[index]!, index })), scale);
  }

  /** The weights that this merge or an earlier one changes: base + scale · Σ factor · ΔW over the members, summed in the candidates' order. */
  merged(members: readonly number[], scale: number): Promise<TensorMap> {
    return this.#merged(this.terms(members, scale));
  }

  /**
   * Losses of a merge; no members: the base.
   * @param members indices of candidates; the same set gives the same losses whatever its order
   * @returns nats per code, shape [clips]
   */
  losses(members: readonly number[], scale: number): Promise<Losses> {
    return this.lossesOf(this.terms(members, scale));
  }

  /** As `losses`, of base + Σ weight · ΔW over the terms, which name candidates whole; their own factors do not count. */
  async lossesOf(terms: readonly Term[]): Promise<Losses> {
    const { scorer, clips, onEvaluation } = this.#options;
    scorer.load(await this.#merged(terms));
    const losses = [...(await scorer.losses(clips))];
    await onEvaluation?.();
    return losses;
  }

  /** As `losses` for one update as its miner handed it in: whole, norm not clipped. */
  alone(index: number): Promise<Losses> {
    return this.lossesOf([{ index, weight: 1 }]);
  }

  async #merged(terms: readonly Term[]): Promise<TensorMap> {
    const { base, candidates } = this.#options;
    const updates = await Promise.all(terms.map(async ({ index, weight }) => ({ delta: await candidates[index]!.delta(), weight })));
    for (const module of touchedModules(updates)) this.#touched.add(module);
    return mergeWeights(base, updates, this.#touched);
  }
}

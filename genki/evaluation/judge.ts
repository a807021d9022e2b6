import { mergeWeights, touchedModules, type Delta } from '../federation/merge.ts';
import type { Clip } from '../music/clip.ts';
import type { Scorer } from '../music/scorer.ts';
import type { TensorMap } from '../protocol/safetensors.ts';
import type { Losses } from './held-out.ts';

/** An update as the merge takes it: what it adds, loaded when it is needed, since all of a round's would not fit into memory; and the factor that clips its norm. */
export type Candidate = { readonly delta: () => Promise<Delta>; readonly factor: number };

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

  /** The weights that this merge or an earlier one changes: base + scale · Σ factor · ΔW over the members, summed in the candidates' order. */
  async merged(members: readonly number[], scale: number): Promise<TensorMap> {
    const { base, candidates } = this.#options;
    const ordered = [...new Set(members)].sort((a, b) => a - b).map((index) => candidates[index]!);
    const updates = await Promise.all(ordered.map(async ({ delta, factor }) => ({ delta: await delta(), weight: scale * factor })));
    for (const module of touchedModules(updates)) this.#touched.add(module);
    return mergeWeights(base, updates, this.#touched);
  }

  /**
   * Losses of a merge; no members: the base.
   * @param members indices of candidates; the same set gives the same losses whatever its order
   * @returns nats per code, shape [clips]
   */
  async losses(members: readonly number[], scale: number): Promise<Losses> {
    const { scorer, clips, onEvaluation } = this.#options;
    scorer.load(await this.merged(members, scale));
    const losses = [...(await scorer.losses(clips))];
    await onEvaluation?.();
    return losses;
  }

  /** As `losses` for one update as its miner handed it in: scale 1, norm not clipped. */
  alone(index: number): Promise<Losses> {
    return this.losses([index], 1 / this.#options.candidates[index]!.factor);
  }
}

import { heldOut } from '../../genki/data/held-out.ts';
import type { Engine } from '../../genki/engine/engine.ts';
import { lossByStyle } from '../../genki/evaluation/held-out.ts';
import type { Clip } from '../../genki/music/clip.ts';
import type { LanguageConfig } from '../../genki/music/config.ts';
import { Scorer } from '../../genki/music/scorer.ts';
import type { Competition } from '../../genki/protocol/competition.ts';
import type { TensorMap } from '../../genki/protocol/safetensors.ts';

/** Held-out losses, nats a code: the means over the styles to be learned and over those known before. */
export type Reading = { readonly mixture: number; readonly base: number; readonly byStyle: Readonly<Record<string, number>> };

/** Clips of each style: a mean of 40 is known to a hundredth. */
const CLIPS = 8;

/** Measures models on the same held-out music, which none of them was trained on. */
export class Meter {
  readonly #scorer: Scorer;
  readonly #clips: readonly Clip[];
  readonly #styles: Competition['styles'];

  private constructor(scorer: Scorer, clips: readonly Clip[], styles: Competition['styles']) {
    this.#scorer = scorer;
    this.#clips = clips;
    this.#styles = styles;
  }

  static async open(engine: Engine, music: LanguageConfig, { styles }: Pick<Competition, 'styles'>): Promise<Meter> {
    const clips = heldOut({ clips: Object.fromEntries([...styles.private, ...styles.base].map((style) => [style, CLIPS])), seed: 'scenario' });
    return new Meter(await Scorer.create(engine, music), clips, styles);
  }

  /** @param weights all of the model's */
  async read(weights: TensorMap): Promise<Reading> {
    this.#scorer.load(weights);
    const byStyle = lossByStyle([...(await this.#scorer.losses(this.#clips))], this.#clips.map(({ style }) => style));
    const mean = (styles: readonly string[]): number => styles.reduce((sum, style) => sum + byStyle[style]!, 0) / styles.length;
    return { mixture: mean(this.#styles.private), base: mean(this.#styles.base), byStyle };
  }

  close(): Promise<void> {
    return this.#scorer.dispose();
  }
}

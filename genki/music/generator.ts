import type { Engine, Executable } from '../engine/engine.ts';
import type { TensorMap } from '../protocol/safetensors.ts';
import type { Codes } from './clip.ts';
import { checkComposition, type Composition, type OnStep, OPEN, startLabels } from './composition.ts';
import { type LanguageConfig, padCode } from './config.ts';
import { delayedLength, undelayCodes } from './delay-pattern.ts';
import { disposeAll, type Feeds, idFeeds, toldFeeds } from './feeds.ts';
import { composeProgram, generationWeights, settleProgram, textProgram } from './generation-programs.ts';
import { cacheBytes, KeyValueCache } from './key-value-cache.ts';
import { MASKED } from './decoder.ts';
import { prefixLength } from './melody/melody-feeds.ts';
import { sinusoidalPositions } from './positions.ts';
import { drawCode, guide } from './sampling.ts';
import { type TextBatch, textRows, withUnconditional, wordsOf } from './text.ts';

/** Clips of one run; more rows cost memory, fewer cost time. */
const CLIPS = 16;
/** What the caches of one run may take. */
const CACHE_BYTES = 2 * 2 ** 30;
/** Positions of a start that one run takes in. */
const START_POSITIONS = 256;

type Programs = { readonly text: Executable; readonly compose: Executable; readonly settle: Executable };
/** Clips of one run: which they are, what they are told, and their labels, each of shape [numCodebooks, positions]. */
type Run = { readonly composition: Composition; readonly firstClip: number; readonly labels: readonly Int32Array[]; readonly rows: number; readonly told: Told; readonly cache: KeyValueCache; readonly stepped: () => void | Promise<void> };

/** Composes clips, one position at a time, keeping the keys and values of those before. */
export class Generator {
  readonly #engine: Engine;
  readonly #config: LanguageConfig;
  readonly #programs: Programs;

  private constructor(engine: Engine, config: LanguageConfig, programs: Programs) {
    this.#engine = engine;
    this.#config = config;
    this.#programs = programs;
  }

  /**
   * The engine has the weights from here on; whoever lets go of its own halves the memory.
   * @throws {InvalidInput} naming a weight that is missing or of another shape
   */
  static async create(engine: Engine, config: LanguageConfig, weights: TensorMap): Promise<Generator> {
    const fixed = generationWeights(config, weights);
    const text = await engine.compile(textProgram(config, fixed.text), fixed.text);
    const compose = await engine.compile(composeProgram(config, fixed.compose), fixed.compose);
    return new Generator(engine, config, { text, compose, settle: await engine.compile(settleProgram(config)) });
  }

  get config(): LanguageConfig {
    return this.#config;
  }

  /**
   * One clip per prompt. The same request gives the same codes; a clip depends on its prompt and its place in the list.
   * @returns the codes of each, shape [numCodebooks, frames]
   * @throws {InvalidInput} naming what cannot be
   */
  generate({ prompts, ...composition }: Composition & { readonly prompts: readonly string[] }): Promise<Codes[]> {
    return this.generateFrom(wordsOf(this.#config.text, prompts), composition);
  }

  /** As `generate`, one clip per row of a text, wherever it comes from. */
  async generateFrom(text: TextBatch, composition: Composition, onStep: OnStep = () => {}): Promise<Codes[]> {
    checkComposition(this.#config, text.rows, composition);
    const clips: Codes[] = [];
    const together = this.#clipsTogether(text, composition);
    const steps = Math.ceil(text.rows / together) * this.steps(composition);
    let done = 0;
    for (let from = 0; from < text.rows; from += together) {
      const to = Math.min(from + together, text.rows);
      const own = composition.start === undefined ? composition : { ...composition, start: composition.start.slice(from, to) };
      clips.push(...(await this.#compose(textRows(text, from, to), { composition: own, firstClip: from, stepped: () => onStep(++done, steps) })));
    }
    return clips;
  }

  /** Positions that are computed one by one for clips that are made together. */
  steps({ frames, start = [] }: Pick<Composition, 'frames' | 'start'>): number {
    return delayedLength(frames, this.#config.decoder) - (start[0]?.frames ?? 0);
  }

  async dispose(): Promise<void> {
    for (const program of Object.values(this.#programs)) await program.dispose();
  }

  #clipsTogether(text: TextBatch, { frames, guidance }: Composition): number {
    const { decoder } = this.#config;
    const rows = guidance === 1 ? 1 : 2;
    const bytes = rows * cacheBytes(this.#config, prefixLength(decoder, text) + delayedLength(frames, decoder));
    return Math.max(1, Math.min(CLIPS, Math.floor(CACHE_BYTES / bytes)));
  }

  async #compose(text: TextBatch, of: Pick<Run, 'composition' | 'firstClip' | 'stepped'>): Promise<Codes[]> {
    const { composition } = of;
    const rows = composition.guidance === 1 ? text.rows : 2 * text.rows;
    const spoken = toldFeeds(this.#engine, this.#config.decoder, composition.guidance === 1 ? text : withUnconditional(text));
    try {
      const told = await this.#told(spoken);
      const cache = new KeyValueCache(this.#engine, this.#programs.settle, { config: this.#config, rows });
      try {
        const labels = startLabels(this.#config.decoder, text.rows, composition);
        return await this.#composeRun({ ...of, rows, labels, told, cache });
      } finally {
        cache.dispose();
        disposeAll(told.own);
      }
    } finally {
      disposeAll(spoken);
    }
  }

  async #told(spoken: Feeds): Promise<Told> {
    const own = await this.#programs.text.run(spoken);
    const { prefix, ...cross } = own;
    if (prefix === undefined) {
      const always = { ...cross, 'text.mask': spoken['text.mask']! };
      return { first: always, later: always, before: 0, own };
    }
    const [rows, before, size] = prefix.shape as [number, number, number];
    const none = this.#engine.tensor(new Float32Array(0), [rows, 0, size]);
    return { first: { prefix }, later: { prefix: none }, before, own: { prefix, none } };
  }

  async #composeRun(run: Run): Promise<Codes[]> {
    const { decoder } = this.#config;
    const { frames, start = [] } = run.composition;
    const length = delayedLength(frames, decoder);
    const known = start[0]?.frames ?? 0; // positions before this one have nothing to draw
    for (let from = 0; from < known; from += START_POSITIONS) await this.#step(run, { from, count: Math.min(START_POSITIONS, known - from) }, () => {});
    for (let position = known; position < length; position++) {
      await this.#step(run, { from: position, count: 1 }, (logits) => this.#draw(run, position, logits));
      await run.stepped();
    }
    return run.labels.map((clip) => undelayCodes(clip, { decoder, frames }));
  }

  /** Takes in `count` positions from `from` on and lets their logits be read, shape [rows, count, numCodebooks, vocabSize]. */
  async #step(run: Run, span: Span, read: (logits: Float32Array) => void): Promise<void> {
    const own = this.#stepFeeds(run, span);
    try {
      const { logits, ...present } = await this.#programs.compose.run({ ...(span.from === 0 ? run.told.first : run.told.later), ...run.cache.feeds, ...own });
      try {
        await run.cache.take(present);
        read((await logits!.read()) as Float32Array);
      } finally {
        logits!.dispose();
      }
    } finally {
      disposeAll(own);
    }
  }

  #stepFeeds({ labels, rows, cache, told }: Run, { from, count }: Span): Feeds {
    const { hiddenSize, numCodebooks } = this.#config.decoder;
    const length = labels[0]!.length / numCodebooks;
    const pad = padCode(this.#config.decoder);
    const ids = Array.from({ length: numCodebooks }, (_, k) =>
      Int32Array.from({ length: rows * count }, (_i, i) => {
        const [row, before] = [Math.floor(i / count) % labels.length, from + (i % count) - 1];
        return before < 0 ? pad : labels[row]![k * length + before]!;
      }),
    );
    const [first, all] = from === 0 ? [0, told.before + count] : [told.before + from, count];
    const keys = cache.recent + all;
    const causal = new Float32Array(all * keys);
    for (let row = 0; row < all; row++) causal.fill(MASKED, row * keys + cache.recent + row + 1, (row + 1) * keys);
    return {
      ...idFeeds(this.#engine, { ids, rows, positions: count }),
      positions: this.#engine.tensor(sinusoidalPositions(first, all, hiddenSize), [all, hiddenSize]),
      causal: this.#engine.tensor(causal, [all, keys]),
    };
  }

  /** Draws every label of a position that is still open. */
  #draw({ composition, firstClip, labels }: Run, position: number, logits: Float32Array): void {
    const { numCodebooks, vocabSize } = this.#config.decoder;
    const { guidance, seed, offset = 0 } = composition;
    const length = labels[0]!.length / numCodebooks;
    const scoresOf = (row: number, k: number): Float32Array => logits.subarray((row * numCodebooks + k) * vocabSize, (row * numCodebooks + k + 1) * vocabSize);
    labels.forEach((clip, i) => {
      for (let k = 0; k < numCodebooks; k++) {
        if (clip[k * length + position] !== OPEN) continue;
        const scores = guidance === 1 ? scoresOf(i, k) : guide(scoresOf(i, k), scoresOf(labels.length + i, k), guidance);
        clip[k * length + position] = drawCode(scores, composition, { seed, clip: firstClip + i, position: offset + position, codebook: k });
      }
    });
  }
}

/** What the first step is told, and each later one; how many positions that puts before the music; and the tensors to let go of. */
type Told = { readonly first: Feeds; readonly later: Feeds; readonly before: number; readonly own: Feeds };

/** Positions from `from` on. */
type Span = { readonly from: number; readonly count: number };

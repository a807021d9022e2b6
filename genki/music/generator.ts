import type { Engine, Executable } from '../engine/engine.ts';
import { InvalidInput } from '../errors.ts';
import type { TensorMap } from '../protocol/safetensors.ts';
import { type LanguageConfig, padCode } from './config.ts';
import { delayedLength, isCode, undelayCodes } from './delay-pattern.ts';
import { disposeAll, type Feeds, idFeeds, textFeeds } from './feeds.ts';
import { sinusoidalPositions } from './positions.ts';
import { isTextWeight, stepProgram, textProgram } from './programs.ts';
import { ResidentWeights } from './resident-weights.ts';
import { drawCode, guide, type Sampling } from './sampling.ts';
import { type TextBatch, textRows, withUnconditional, wordsOf } from './text.ts';
import { pickWeights, weightSpecs } from './weights.ts';

/** How clips are made. `guidance` 1 takes the text as it is, at half the work; more follows it more closely. */
export type Composition = Sampling & { readonly frames: number; readonly seed: string; readonly guidance: number };

/** Clips of one run; more rows cost memory, fewer cost time. */
const CLIPS = 16;

/** Composes clips, one position at a time, keeping the keys and values of those before. */
export class Generator {
  readonly #engine: Engine;
  readonly #config: LanguageConfig;
  readonly #text: Executable;
  readonly #step: Executable;
  readonly #weights: ResidentWeights;

  private constructor(engine: Engine, config: LanguageConfig, of: { text: Executable; step: Executable; weights: ResidentWeights }) {
    this.#engine = engine;
    this.#config = config;
    this.#text = of.text;
    this.#step = of.step;
    this.#weights = of.weights;
  }

  /** @throws {InvalidInput} naming a weight that is missing or of another shape */
  static async create(engine: Engine, config: LanguageConfig, weights: TensorMap): Promise<Generator> {
    const own = pickWeights(config, weights);
    const text = await engine.compile(textProgram(config));
    const step = await engine.compile(stepProgram(config));
    const resident = new ResidentWeights(engine, weightSpecs(config));
    resident.load(own);
    return new Generator(engine, config, { text, step, weights: resident });
  }

  /** Takes these weights; those that are not named stay as they are. */
  load(weights: TensorMap): void {
    this.#weights.load(weights);
  }

  /**
   * One clip per prompt. The same request gives the same codes; a clip depends on its prompt and its place in the list.
   * @returns the codes of each, shape [numCodebooks, frames]
   * @throws {InvalidInput} naming what cannot be
   */
  generate({ prompts, ...composition }: Composition & { readonly prompts: readonly string[] }): Promise<Uint8Array[]> {
    return this.generateFrom(wordsOf(this.#config.text, prompts), composition);
  }

  /** As `generate`, one clip per row of a text, wherever it comes from. */
  async generateFrom(text: TextBatch, composition: Composition): Promise<Uint8Array[]> {
    checkComposition(this.#config, composition);
    const clips: Uint8Array[] = [];
    for (let from = 0; from < text.rows; from += CLIPS) {
      clips.push(...(await this.#compose(textRows(text, from, Math.min(from + CLIPS, text.rows)), composition, from)));
    }
    return clips;
  }

  async dispose(): Promise<void> {
    this.#weights.dispose();
    await this.#text.dispose();
    await this.#step.dispose();
  }

  async #compose(text: TextBatch, composition: Composition, firstClip: number): Promise<Uint8Array[]> {
    const told = textFeeds(this.#engine, composition.guidance === 1 ? text : withUnconditional(text));
    try {
      const cross = await this.#text.run({ ...this.#weights.feeds(isTextWeight), ...told });
      try {
        return await this.#composeTold({ ...cross, 'text.mask': told['text.mask']! }, composition, { firstClip, clips: text.rows });
      } finally {
        disposeAll(cross);
      }
    } finally {
      disposeAll(told);
    }
  }

  async #composeTold(told: Feeds, composition: Composition, of: { firstClip: number; clips: number }): Promise<Uint8Array[]> {
    const { numCodebooks } = this.#config.decoder;
    const { frames, guidance } = composition;
    const length = delayedLength(frames, numCodebooks);
    const rows = guidance === 1 ? of.clips : 2 * of.clips;
    const codes = Array.from({ length: of.clips }, () => new Int32Array(numCodebooks * length));
    let ids = Array.from({ length: numCodebooks }, () => new Int32Array(rows).fill(padCode(this.#config.decoder)));
    let past = this.#emptyPast(rows);
    try {
      for (let position = 0; position < length; position++) {
        const { logits, present } = await this.#next(ids, { ...told, ...past }, position);
        disposeAll(past);
        past = Object.fromEntries(Object.entries(present).map(([name, tensor]) => [name.replace('present', 'past'), tensor]));
        const drawn = this.#draw(logits, composition, { ...of, position });
        drawn.forEach((row, k) => codes.forEach((clip, i) => (clip[k * length + position] = row[i]!)));
        ids = drawn.map((row) => Int32Array.from({ length: rows }, (_, i) => row[i % of.clips]!));
      }
    } finally {
      disposeAll(past);
    }
    return codes.map((clip) => undelayCodes(clip, { numCodebooks, frames }));
  }

  /** Runs one position: its logits, shape [rows, numCodebooks, vocabSize], and the cache with it. */
  async #next(ids: Int32Array[], kept: Feeds, position: number): Promise<{ logits: Float32Array; present: Feeds }> {
    const { hiddenSize } = this.#config.decoder;
    const own = {
      ...idFeeds(this.#engine, { ids, rows: ids[0]!.length, positions: 1 }),
      positions: this.#engine.tensor(sinusoidalPositions(position, 1, hiddenSize), [1, hiddenSize]),
    };
    try {
      const { logits, ...present } = await this.#step.run({ ...this.#weights.feeds((name) => !isTextWeight(name)), ...kept, ...own });
      try {
        return { logits: Float32Array.from(await logits!.read()), present };
      } catch (error) {
        disposeAll(present);
        throw error;
      } finally {
        logits!.dispose();
      }
    } finally {
      disposeAll(own);
    }
  }

  /** The codes of one position, by codebook and clip: drawn where there is one, else padding. */
  #draw(logits: Float32Array, composition: Composition, at: { position: number; firstClip: number; clips: number }): Int32Array[] {
    const { numCodebooks, vocabSize } = this.#config.decoder;
    const scoresOf = (row: number, k: number): Float32Array => logits.subarray((row * numCodebooks + k) * vocabSize, (row * numCodebooks + k + 1) * vocabSize);
    return Array.from({ length: numCodebooks }, (_, k) => {
      if (!isCode(at.position, k, composition.frames)) return new Int32Array(at.clips).fill(padCode(this.#config.decoder));
      return Int32Array.from({ length: at.clips }, (_, clip) => {
        const conditional = scoresOf(clip, k);
        const scores = composition.guidance === 1 ? conditional : guide(conditional, scoresOf(at.clips + clip, k), composition.guidance);
        return drawCode(scores, composition, { seed: composition.seed, clip: at.firstClip + clip, position: at.position, codebook: k });
      });
    });
  }

  #emptyPast(rows: number): Feeds {
    const { numLayers, numHeads, hiddenSize } = this.#config.decoder;
    const empty = () => this.#engine.tensor(new Float32Array(0), [rows, numHeads, 0, hiddenSize / numHeads]);
    return Object.fromEntries(Array.from({ length: numLayers }, (_, l) => [[`past.${l}.keys`, empty()], [`past.${l}.values`, empty()]] as const).flat());
  }
}

function checkComposition({ decoder }: LanguageConfig, { frames, guidance, temperature, topK, topP = 1 }: Composition): void {
  const most = decoder.maxPositions - decoder.numCodebooks + 1;
  if (!Number.isInteger(frames) || frames < 1 || frames > most) throw new InvalidInput(`Expected 1 to ${most} frames, got ${frames}`);
  if (!Number.isFinite(guidance)) throw new InvalidInput(`Expected a finite guidance, got ${guidance}`);
  if (!(temperature >= 0 && temperature < Infinity)) throw new InvalidInput(`Expected a temperature of 0 or more, got ${temperature}`);
  if (!Number.isInteger(topK) || topK < 0) throw new InvalidInput(`Expected topK to be 0 or a number of codes, got ${topK}`);
  if (!(topP > 0 && topP <= 1)) throw new InvalidInput(`Expected topP in (0, 1], got ${topP}`);
}

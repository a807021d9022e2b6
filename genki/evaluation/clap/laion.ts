import { EngineError, InvalidInput } from '../../errors.ts';
import type { Embedder, Heard } from './embedder.ts';
import { laionFolder, type LaionSource, type LaionSpec } from './laion-files.ts';
import { LaionNetwork, SAMPLE_RATE, WINDOW } from './laion-network.ts';
import { tiles } from './tiles.ts';

/**
 * LAION-CLAP (Wu et al. 2023) with the files of `spec`, from a folder or the hub; see `laionFolder` for what is checked and
 * thrown before anything is loaded. A window is ten seconds; shorter clips are repeated to fill it, longer ones cut by `tiles`,
 * and `clip` is the mean direction of the windows' embeddings.
 *
 * Samples are taken as they are. LAION's own code first rounds them to 16 bits, Hugging Face's does not; the checkpoints in
 * this layout are published with the latter, and a clip that was a 16-bit file has been rounded already.
 *
 * @param source.threads of one run; all cores where it is not given
 * @throws {InvalidInput} also for a model that is no unfused CLAP at 48 kHz
 */
export async function openLaionClap(spec: LaionSpec, source: LaionSource & { readonly threads?: number }): Promise<Embedder> {
  return new LaionClap(`${spec.kind} ${spec.digest}`, await LaionNetwork.open(await laionFolder(spec, source), source.threads));
}

class LaionClap implements Embedder {
  readonly name: string;
  readonly sampleRate = SAMPLE_RATE;
  readonly dimensions: number;
  readonly #network: LaionNetwork;
  #last: Promise<unknown> = Promise.resolve();
  #isOpen = true;

  constructor(name: string, network: LaionNetwork) {
    this.name = name;
    this.dimensions = network.dimensions;
    this.#network = network;
  }

  async text(captions: readonly string[]): Promise<Float32Array[]> {
    if (captions.length === 0) throw new InvalidInput('Expected at least one caption, got none');
    return await this.#inTurn(async () => {
      const embeddings: Float32Array[] = [];
      for (const tokens of captions.map((caption) => this.#network.tokens(caption))) embeddings.push(direction([await this.#network.textEmbedding(tokens)]));
      return embeddings;
    });
  }

  async audio(clips: readonly Float32Array[], seed: string): Promise<Heard[]> {
    clips.forEach(checkSamples);
    return await this.#inTurn(async () => {
      const heard: Heard[] = [];
      for (const clip of clips) heard.push(await this.#hear(clip, seed));
      return heard;
    });
  }

  async dispose(): Promise<void> {
    if (!this.#isOpen) return;
    const closing = this.#inTurn(() => this.#network.dispose());
    this.#isOpen = false;
    await closing;
  }

  async #hear(clip: Float32Array, seed: string): Promise<Heard> {
    const windows: Float32Array[] = [];
    for (const window of tiles(clip, WINDOW, seed)) windows.push(await this.#network.soundEmbedding(await this.#network.features(window)));
    return { clip: direction(windows), windows };
  }

  /** One call after the other: a session that is released while it runs takes the process with it. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (!this.#isOpen) throw new EngineError(`${this.name}: expected an embedder, got one that was disposed of`);
    const mine = this.#last.then(work);
    this.#last = mine.catch(() => undefined);
    return mine;
  }
}

function checkSamples(clip: Float32Array, i: number): void {
  if (clip.length === 0) throw new InvalidInput(`Expected clip ${i + 1} to have samples, got none`);
  const at = clip.findIndex((sample) => !Number.isFinite(sample));
  if (at !== -1) throw new InvalidInput(`Expected clip ${i + 1} to hold numbers, got ${clip[at]} at sample ${at}`);
}

/** The mean of the directions of some vectors, as a direction: shape [windows][dimensions] -> [dimensions], of length 1. */
function direction(vectors: readonly Float32Array[]): Float32Array {
  const sum = new Float64Array(vectors[0]!.length);
  for (const vector of vectors) {
    const length = Math.hypot(...vector);
    vector.forEach((x, d) => (sum[d]! += x / length));
  }
  const length = Math.hypot(...sum);
  if (!(length > 0)) throw new EngineError('Expected embeddings that point somewhere, got ones that point nowhere');
  return Float32Array.from(sum, (x) => x / length);
}

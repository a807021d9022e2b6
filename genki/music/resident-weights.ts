import type { Engine, Tensor } from '../engine/engine.ts';
import { InvalidInput } from '../errors.ts';
import type { TensorMap } from '../protocol/safetensors.ts';
import { floats, type WeightSpec } from './weights.ts';

/** A model's weights where the engine keeps them, made once and fed to every run. */
export class ResidentWeights {
  readonly #engine: Engine;
  readonly #specs: ReadonlyMap<string, WeightSpec>;
  readonly #tensors = new Map<string, Tensor>();

  constructor(engine: Engine, specs: readonly WeightSpec[]) {
    this.#engine = engine;
    this.#specs = new Map(specs.map((spec) => [spec.name, spec]));
  }

  /**
   * Takes these tensors; the others stay as they are.
   * @throws {InvalidInput} naming a tensor that the model does not have so; then nothing has changed
   */
  load(weights: TensorMap): void {
    const checked = [...weights].map(([name, tensor]) => {
      const spec = this.#specs.get(name);
      if (spec === undefined) throw new InvalidInput(`Expected weights of the model, got the unknown tensor ${name}`);
      return { spec, values: floats(spec, tensor) };
    });
    for (const { spec, values } of checked) {
      const old = this.#tensors.get(spec.name);
      this.#tensors.set(spec.name, this.#engine.tensor(values, spec.shape));
      old?.dispose();
    }
  }

  /**
   * The tensors by name, to be spread into the feeds of a run.
   * @throws {InvalidInput} naming a tensor that was never loaded
   */
  feeds(wanted: (name: string) => boolean = () => true): Record<string, Tensor> {
    const feeds: Record<string, Tensor> = {};
    for (const name of this.#specs.keys()) {
      if (!wanted(name)) continue;
      const tensor = this.#tensors.get(name);
      if (tensor === undefined) throw new InvalidInput(`Expected weights for ${name}, got none`);
      feeds[name] = tensor;
    }
    return feeds;
  }

  dispose(): void {
    for (const tensor of this.#tensors.values()) tensor.dispose();
    this.#tensors.clear();
  }
}

import { InvalidInput } from '../errors.ts';
import type { Adapter, AdapterLayer } from '../music/lora.ts';
import type { HostTensor, TensorMap } from '../protocol/safetensors.ts';

/** What an adapter adds to each weight: module name -> ΔW, row-major [out, in]. */
export type Delta = ReadonlyMap<string, Float32Array>;

/** One update and how much of it a merge takes. */
export type WeightedDelta = { readonly delta: Delta; readonly weight: number };

/** The name of the weight that a LoRA module adapts. */
export const weightOf = (module: string): string => `${module}.weight`;

/**
 * The dense update that a LoRA adapter stands for, exactly (summed in float64, rounded once):
 *
 *     ΔW = scale B A,   scale = α/r (or α/√r for rank-stabilised LoRA)
 *
 * @returns module -> [out, in], one rounding to float32 away from the product
 */
export function adapterDelta(adapter: Adapter): Delta {
  return new Map([...adapter.layers].map(([module, layer]) => [module, product(layer)]));
}

function product({ a, b, in: columns, out: rows, rank, scale }: AdapterLayer): Float32Array {
  const delta = new Float32Array(rows * columns);
  const row = new Float64Array(columns);
  for (let o = 0; o < rows; o++) {
    row.fill(0);
    for (let r = 0; r < rank; r++) {
      const factor = scale * b[o * rank + r]!;
      const from = r * columns;
      for (let i = 0; i < columns; i++) row[i]! += factor * a[from + i]!;
    }
    delta.set(row, o * columns);
  }
  return delta;
}

/**
 * Base weights plus Σ weight · ΔW, each sum taken in float64 in the order given and rounded once, so the same list gives
 * the same bytes everywhere.
 *
 * @param updates in commit order; the order decides the last bit
 * @param modules which modules to return; one that no update touches comes out as the base's. Default: all that are touched
 * @returns the weights of those modules only, under their names in `base`: what a scorer has to replace
 * @throws {InvalidInput} when the base lacks a module or has another size, or a weight is not finite
 */
export function mergeWeights(base: TensorMap, updates: readonly WeightedDelta[], modules: Iterable<string> = touchedModules(updates)): Map<string, HostTensor> {
  const unfit = updates.find(({ weight }) => !Number.isFinite(weight));
  if (unfit) throw new InvalidInput(`Expected a finite weight for every update, got ${unfit.weight}`);
  const active = updates.filter(({ weight }) => weight !== 0);
  const merged = new Map<string, HostTensor>();
  for (const module of modules) {
    const name = weightOf(module);
    merged.set(name, mergeModule(name, base.get(name), partsOf(module, active)));
  }
  return merged;
}

const partsOf = (module: string, updates: readonly WeightedDelta[]): Part[] =>
  updates.flatMap(({ delta, weight }) => (delta.has(module) ? [{ values: delta.get(module)!, weight }] : []));

type Part = { readonly values: Float32Array; readonly weight: number };

function mergeModule(name: string, base: HostTensor | undefined, parts: readonly Part[]): HostTensor {
  if (!(base?.data instanceof Float32Array)) throw new InvalidInput(`Expected the base to have float weights ${name}, got ${base?.dtype ?? 'none'}`);
  const unfit = parts.find(({ values }) => values.length !== base.data.length);
  if (unfit) throw new InvalidInput(`Expected an update of ${base.data.length} values for ${name}, got ${unfit.values.length}`);
  const sum = new Float64Array(base.data);
  for (let k = 0; k < parts.length; k += 2) addTwo(sum, parts[k]!, parts[k + 1] ?? { ...parts[k]!, weight: 0 });
  return { shape: base.shape, dtype: 'F32', data: new Float32Array(sum) };
}

/** Two in one pass over the sum, first one and then the other: half the traffic, the same bits. */
function addTwo(sum: Float64Array, { values: u, weight: v }: Part, { values: x, weight: y }: Part): void {
  for (let i = 0; i < sum.length; i++) sum[i] = sum[i]! + v * u[i]! + y * x[i]!;
}

/** Every module that at least one update touches, in order of first appearance. */
export function touchedModules(updates: readonly { readonly delta: Delta }[]): Set<string> {
  return new Set(updates.flatMap(({ delta }) => [...delta.keys()]));
}

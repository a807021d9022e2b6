import { InvalidInput } from '../../errors.ts';
import type { Adapter, AdapterLayer } from '../../music/lora.ts';
import { sizedAdapter } from './sized-adapter.ts';

/** An adapter and how much of its update is taken. */
export type WeightedAdapter = { readonly adapter: Adapter; readonly weight: number };

export type StackOptions = {
  /**
   * Keeps what rounding to float32 takes off a part, as further ranks of it: the sum is then exact to 2⁻⁴⁷ of the parts,
   * at no more than twice the rank. Without them it is to 2⁻²⁴.
   */
  readonly remainders?: boolean;
};

/**
 * One adapter whose update is Σ weight · ΔW, exactly, for any ranks, alphas and targets (Wang et al. 2024, FLoRA): factors
 * one after the other,
 *
 *     Σ w_i s_i B_i A_i = s [w_1 s_1/s B_1 | w_2 s_2/s B_2 | …] [A_1; A_2; …],   s = max |w_i s_i|
 *
 * All A stay as they are, and so does every B whose factor is a power of two, such as those of parts of one weight and
 * scale; others are rounded once. Parts with the same matrices become one. Its rank is the sum of the ranks (`recompress`
 * brings it down); a module that only parts of weight 0 touch is left out, one whose parts cancel has rank 1 and is 0.
 *
 * @returns modules in order of first appearance, each with its own rank and alpha
 * @throws {InvalidInput} when no part is left, a weight is not finite, or two adapters differ in a module's size
 */
export function stackAdapters(parts: readonly WeightedAdapter[], { remainders = false }: StackOptions = {}): Adapter {
  const unfit = parts.find(({ weight }) => !Number.isFinite(weight));
  if (unfit) throw new InvalidInput(`Expected a finite weight for every adapter, got ${unfit.weight}`);
  const active = parts.filter(({ weight }) => weight !== 0);
  const modules = new Set(active.flatMap(({ adapter }) => [...adapter.layers.keys()]));
  const partsOf = (module: string): Part[] => active.flatMap(({ adapter, weight }) => partOf(adapter.layers.get(module), weight));
  return sizedAdapter(new Map([...modules].map((module) => [module, stacked(module, partsOf(module), remainders)])));
}

/** A layer, and what its B A is multiplied by. */
type Part = { readonly layer: AdapterLayer; readonly factor: number };

const partOf = (layer: AdapterLayer | undefined, weight: number): Part[] => (layer === undefined ? [] : [{ layer, factor: weight * layer.scale }]);

function stacked(module: string, parts: readonly Part[], remainders: boolean): AdapterLayer {
  const [{ layer: first }] = parts as [Part];
  const other = parts.find(({ layer }) => layer.in !== first.in || layer.out !== first.out);
  if (other) throw new InvalidInput(`Expected all updates of ${module} to be [${first.out}, ${first.in}], got [${other.layer.out}, ${other.layer.in}]`);
  const active = united(parts).filter(({ factor }) => factor !== 0);
  const scale = active.reduce((most, { factor }) => Math.max(most, Math.abs(factor)), 0);
  const blocks = active.flatMap(({ layer, factor }) => blocksOf(layer, plainFactor(factor / scale), remainders));
  if (blocks.length === 0) return { ...first, rank: 1, scale: 1, a: new Float32Array(first.in), b: new Float32Array(first.out) };
  return { in: first.in, out: first.out, scale, ...sideBySide(blocks, first) };
}

/** Parts with the same matrices as one, so that what was added and is taken off again leaves no ranks behind. */
function united(parts: readonly Part[]): Part[] {
  const distinct: Part[] = [];
  for (const part of parts) {
    const at = distinct.findIndex(({ layer }) => sameValues(layer.a, part.layer.a) && sameValues(layer.b, part.layer.b));
    if (at === -1) distinct.push(part);
    else distinct[at] = { layer: part.layer, factor: distinct[at]!.factor + part.factor };
  }
  return distinct;
}

const sameValues = (x: Float32Array, y: Float32Array): boolean => x === y || (x.length === y.length && x.every((value, i) => value === y[i]));

/** A power of two where it is one but for the rounding of alpha over rank, so that no B is rounded for that. */
function plainFactor(factor: number): number {
  const power = Math.sign(factor) * 2 ** Math.round(Math.log2(Math.abs(factor)));
  return Math.abs(factor / power - 1) < 2 ** -50 ? power : factor;
}

type Block = { readonly a: Float32Array; readonly b: Float32Array; readonly rank: number };

function blocksOf({ a, b, rank }: AdapterLayer, factor: number, remainders: boolean): Block[] {
  const rounded = b.map((value) => factor * value);
  if (!remainders) return [{ a, b: rounded, rank }];
  const rest = b.map((value, i) => factor * value - rounded[i]!);
  return [{ a, b: rounded, rank }, ...(rest.some((value) => value !== 0) ? [{ a, b: rest, rank }] : [])];
}

/** A's below each other, B's beside each other. */
function sideBySide(blocks: readonly Block[], { in: columns, out }: AdapterLayer): Block {
  const rank = blocks.reduce((sum, block) => sum + block.rank, 0);
  const [a, b] = [new Float32Array(rank * columns), new Float32Array(out * rank)];
  let from = 0;
  for (const block of blocks) {
    a.set(block.a, from * columns);
    for (let o = 0; o < out; o++) b.set(block.b.subarray(o * block.rank, (o + 1) * block.rank), o * rank + from);
    from += block.rank;
  }
  return { a, b, rank };
}

import type { Ops } from '../../../genki/engine/engine.ts';
import type { Reference } from './reference-ops.ts';

type SoundOp = 'pad' | 'conv1d' | 'convTranspose1d' | 'lstm' | 'argMax';

const range = (length: number): number[] => Array.from({ length }, (_, i) => i);
const total = (numbers: readonly number[]): number => numbers.reduce((sum, x) => sum + x, 0);
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

const sizes = ({ shape }: Reference): [number, number, number] => shape as [number, number, number];
/** The element of a tensor of rank 3. */
const element = ({ shape, values }: Reference, [i, j, k]: [number, number, number]): number => values[(i * shape[1]! + j) * shape[2]! + k]!;
const rank3 = ([B, C, L]: [number, number, number], value: (b: number, c: number, l: number) => number): Reference => ({
  shape: [B, C, L],
  values: range(B).flatMap((b) => range(C).flatMap((c) => range(L).map((l) => value(b, c, l)))),
});
const rowsOf = ({ shape, values }: Reference): number[][] => {
  const width = shape.at(-1)!;
  const count = shape.slice(0, -1).reduce((rows, size) => rows * size, 1);
  return range(count).map((row) => values.slice(row * width, (row + 1) * width));
};
const product = (matrix: Reference, vector: readonly number[]): number[] => rowsOf(matrix).map((row) => total(row.map((x, i) => x * vector[i]!)));

/** The operations of an audio codec by their definitions, element by element. */
export const soundOps: Pick<Ops<Reference>, SoundOp> = {
  pad({ shape, values }, { left, right, mode }) {
    const length = shape.at(-1)!;
    const behind = (i: number): number | undefined => {
      if (i >= 0 && i < length) return i;
      if (mode === 'zero') return undefined;
      if (mode === 'replicate') return i < 0 ? 0 : length - 1;
      return i < 0 ? -i : 2 * (length - 1) - i;
    };
    const padded = rowsOf({ shape, values }).flatMap((row) => range(left + length + right).map((i) => row[behind(i - left) ?? -1] ?? 0));
    return { shape: shape.with(-1, left + length + right), values: padded };
  },
  conv1d(a, kernel, bias, { stride, dilation }) {
    const [[B, I, L], [O, , K]] = [sizes(a), sizes(kernel)];
    const length = Math.floor((L - dilation * (K - 1) - 1) / stride) + 1;
    return rank3([B, O, length], (b, o, l) => bias.values[o]! + total(range(I).flatMap((i) => range(K).map((k) => element(a, [b, i, l * stride + k * dilation]) * element(kernel, [o, i, k])))));
  },
  convTranspose1d(a, kernel, bias, { stride }) {
    const [[B, I, L], [, O, K]] = [sizes(a), sizes(kernel)];
    const at = (b: number, i: number, l: number): number => (Number.isInteger(l) && l >= 0 && l < L ? element(a, [b, i, l]) : 0);
    return rank3([B, O, (L - 1) * stride + K], (b, o, t) => bias.values[o]! + total(range(I).flatMap((i) => range(K).map((k) => at(b, i, (t - k) / stride) * element(kernel, [i, o, k])))));
  },
  lstm(a, { input, hidden, bias }) {
    const [[L, B, I], H] = [sizes(a), hidden.shape[1]!];
    const states = range(B).map(() => ({ h: new Array<number>(H).fill(0), c: new Array<number>(H).fill(0) }));
    const values = range(L).flatMap((l) => states.flatMap((state, b) => {
      const [x, recurrent] = [product(input, range(I).map((i) => element(a, [l, b, i]))), product(hidden, state.h)];
      const gate = (which: number, unit: number): number => x[which * H + unit]! + recurrent[which * H + unit]! + bias.values[which * H + unit]!;
      state.c = state.c.map((c, unit) => sigmoid(gate(1, unit)) * c + sigmoid(gate(0, unit)) * Math.tanh(gate(2, unit)));
      state.h = state.c.map((c, unit) => sigmoid(gate(3, unit)) * Math.tanh(c));
      return state.h;
    }));
    return { shape: [L, B, H], values };
  },
  argMax: (a) => ({ shape: a.shape.slice(0, -1), values: rowsOf(a).map((row) => row.indexOf(Math.max(...row))) }),
};

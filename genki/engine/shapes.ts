import { EngineError } from '../errors.ts';
import type { Dim, Shape } from './engine.ts';

export const shapeText = (shape: Shape): string => `[${shape.join(', ')}]`;
export const sameShape = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((dim, axis) => dim === b[axis]);

/** The shape of a binary operation's result by numpy's rules; a size known by name only meets itself or 1. */
export function broadcastShape(a: Shape, b: Shape): Dim[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const x = a[axis - rank + a.length] ?? 1;
    const y = b[axis - rank + b.length] ?? 1;
    if (x !== y && x !== 1 && y !== 1) throw new EngineError(`Expected shapes that broadcast, got ${shapeText(a)} and ${shapeText(b)}`);
    return x === 1 ? y : x;
  });
}

/** The axes over which `from` has to be summed to undo the broadcasting of `to`. */
export function broadcastAxes(from: Shape, to: Shape): number[] {
  const added = from.length - to.length;
  return from.flatMap((dim, axis) => (axis < added || (to[axis - added] === 1 && dim !== 1) ? [axis] : []));
}

/** The product of sizes; where some are names, a name of its own. */
export function productOf(shape: Shape): Dim {
  const numbers = shape.filter((dim) => typeof dim === 'number').reduce((product, dim) => product * dim, 1);
  const names = shape.filter((dim) => typeof dim === 'string');
  if (names.length === 0 || numbers === 0) return numbers;
  return numbers === 1 ? names.join('*') : [numbers, ...names].join('*');
}

/** Where a slice begins and ends: counted from the front, or both from the end of an axis whose size has a name. */
export type Cut = { readonly axis: number; readonly from: number; readonly to: number };

/** @throws {EngineError} when the axis is not there or does not reach from `from` to `to` */
export function cutOf(shape: Shape, axis: number, { from, to }: { readonly from: number; readonly to: number }): Cut {
  const along = axesOf(shape.length, [axis])[0]!;
  const size = shape[along]!;
  const counted = (index: number): number => (typeof size === 'number' && index < 0 ? index + size : index);
  const cut = { axis: along, from: counted(from), to: counted(to) };
  const isInside = typeof size === 'number' ? cut.from >= 0 && cut.to <= size : cut.from < 0 === cut.to < 0;
  if (!Number.isInteger(from) || !Number.isInteger(to) || cut.from > cut.to || !isInside) throw new EngineError(`Expected a range of axis ${along} of ${shapeText(shape)}, got ${from} up to ${to}`);
  return cut;
}

/**
 * Axes counted from the front.
 * @throws {EngineError} when one is out of range or named twice
 */
export function axesOf(rank: number, axes: readonly number[]): number[] {
  const counted = axes.map((axis) => (axis < 0 ? axis + rank : axis));
  const valid = counted.every((axis) => Number.isInteger(axis) && axis >= 0 && axis < rank);
  if (!valid || new Set(counted).size !== axes.length) throw new EngineError(`Expected different axes of a tensor of rank ${rank}, got [${axes.join(', ')}]`);
  return counted;
}

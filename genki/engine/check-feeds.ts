import { EngineError } from '../errors.ts';
import type { DType, Fixed, Program } from './engine.ts';
import { sameShape, shapeText } from './shapes.ts';

type Feed = { readonly shape: readonly number[]; readonly dtype: DType };

/**
 * The sizes that this run gives to the names in the program's inputs.
 * @throws {EngineError} naming a feed that is missing, unknown, or of another shape or dtype
 */
export function checkFeeds({ name: program, inputs }: Program, feeds: Readonly<Record<string, Feed>>): Map<string, number> {
  const sizes = new Map<string, number>();
  for (const name of Object.keys(feeds)) {
    if (!Object.hasOwn(inputs, name)) throw new EngineError(`${program}: unknown feed ${name}`);
  }
  for (const [name, { shape, dtype }] of Object.entries(inputs)) {
    const feed = Object.hasOwn(feeds, name) ? feeds[name] : undefined;
    if (feed === undefined) throw new EngineError(`${program}: missing feed ${name}`);
    if (feed.dtype !== dtype) throw new EngineError(`${program}: expected feed ${name} of ${dtype}, got ${feed.dtype}`);
    const fits = feed.shape.length === shape.length && feed.shape.every((size, axis) => {
      const dim = shape[axis]!;
      if (typeof dim === 'string' && !sizes.has(dim)) sizes.set(dim, size);
      return size === (typeof dim === 'string' ? sizes.get(dim) : dim);
    });
    if (!fits) throw new EngineError(`${program}: expected feed ${name} of shape [${shape.map((dim) => described(dim, sizes)).join(', ')}], got [${feed.shape.join(', ')}]`);
  }
  return sizes;
}

/**
 * The program as it is fed once some of its inputs are fixed.
 * @throws {EngineError} naming a fixed value that is no input, or another than the input is
 */
export function withoutFixed(program: Program, fixed: Fixed): Program {
  const inputs = { ...program.inputs };
  for (const [name, { values, shape }] of Object.entries(fixed)) {
    checkValues(values.length, shape);
    const spec = Object.hasOwn(inputs, name) ? inputs[name] : undefined;
    const dtype = values instanceof Float32Array ? 'float32' : 'int32';
    if (spec?.dtype !== dtype || !sameShape(spec.shape, shape)) {
      throw new EngineError(`${program.name}: expected a fixed ${name} ${spec === undefined ? 'that is an input' : `of ${spec.dtype} ${shapeText(spec.shape)}`}, got ${dtype} ${shapeText(shape)}`);
    }
    delete inputs[name];
  }
  return { ...program, inputs };
}

const described = (dim: number | string, sizes: ReadonlyMap<string, number>): string =>
  typeof dim === 'string' && sizes.has(dim) ? `${dim} = ${sizes.get(dim)}` : `${dim}`;

/** @throws {EngineError} when the shape's sizes are not whole numbers, or do not hold this many values */
export function checkValues(length: number, shape: readonly number[]): void {
  const valid = shape.every((size) => Number.isInteger(size) && size >= 0);
  if (!valid || shape.reduce((product, size) => product * size, 1) !== length) throw new EngineError(`Expected values for shape [${shape.join(', ')}], got ${length}`);
}

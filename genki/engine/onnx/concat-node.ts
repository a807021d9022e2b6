import { EngineError } from '../../errors.ts';
import type { Dim } from '../engine.ts';
import { axesOf, shapeText } from '../shapes.ts';
import type { Graph, Value } from './graph.ts';

/** @param dim the size that results, where it cannot be added up because it has a name */
export function concatNode(graph: Graph, parts: readonly Value[], { axis, dim }: { readonly axis: number; readonly dim: Dim | undefined }): Value {
  const [first] = parts;
  if (first === undefined) throw new EngineError('Expected parts to join, got none');
  const along = axesOf(first.shape.length, [axis])[0]!;
  for (const part of parts) {
    const fits = part.dtype === first.dtype && part.shape.length === first.shape.length && part.shape.every((size, i) => i === along || size === first.shape[i]);
    if (!fits) throw new EngineError(`Expected parts like ${shapeText(first.shape)} beside axis ${along}, got ${shapeText(part.shape)}`);
  }
  const shape = first.shape.with(along, dim ?? totalSize(parts, along));
  const joined = graph.node('Concat', parts, shape, { dtype: first.dtype, attributes: { axis: along } });
  graph.nameSize(shape[along]!, joined, along);
  return joined;
}

function totalSize(parts: readonly Value[], axis: number): number {
  return parts.reduce((total, { shape }) => {
    const size = shape[axis]!;
    if (typeof size === 'string') throw new EngineError(`Expected a name for the size of the joined axis ${axis}, for ${size} cannot be added up`);
    return total + size;
  }, 0);
}

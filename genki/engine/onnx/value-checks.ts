import { EngineError } from '../../errors.ts';
import { shapeText } from '../shapes.ts';
import type { Value } from './graph.ts';

export function floating(a: Value): Value {
  if (a.dtype !== 'float32') throw new EngineError(`Expected a float32 tensor, got ${a.dtype} ${shapeText(a.shape)}`);
  return a;
}

/** A float32 tensor of this rank or more. */
export function ranked(a: Value, least: number): Value {
  if (a.shape.length < least) throw new EngineError(`Expected a tensor of rank ${least} or more, got ${shapeText(a.shape)}`);
  return floating(a);
}

export function integers(ids: Value): Value {
  if (ids.dtype !== 'int32') throw new EngineError(`Expected int32 ids, got ${ids.dtype} ${shapeText(ids.shape)}`);
  return ids;
}

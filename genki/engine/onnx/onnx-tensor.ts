import * as ort from 'onnxruntime-node';
import { EngineError } from '../../errors.ts';
import type { DType, Tensor } from '../engine.ts';

/** A tensor in the process's own memory, given to the session without a copy. */
export class OnnxTensor implements Tensor {
  readonly shape: readonly number[];
  readonly dtype: DType;
  #native: ort.Tensor | undefined;

  /** @throws {EngineError} when the native tensor is of a type that programs do not have */
  constructor(native: ort.Tensor) {
    if (native.type !== 'float32' && native.type !== 'int32') throw new EngineError(`Expected float32 or int32, got ${native.type}`);
    this.shape = native.dims;
    this.dtype = native.type;
    this.#native = native;
  }

  /** @throws {EngineError} after dispose */
  get native(): ort.Tensor {
    if (this.#native === undefined) throw new EngineError(`Expected a tensor, got one of shape [${this.shape.join(', ')}] that was disposed of`);
    return this.#native;
  }

  async read(): Promise<Float32Array | Int32Array> {
    const { data } = this.native;
    if (data instanceof Float32Array || data instanceof Int32Array) return data;
    throw new EngineError(`Expected values of ${this.dtype}, got others`);
  }

  dispose(): void {
    this.#native = undefined;
  }
}

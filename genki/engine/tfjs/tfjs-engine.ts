import { arch, platform } from 'node:process';
import type { Tensor as NativeTensor } from '@tensorflow/tfjs';
import { EngineError } from '../../errors.ts';
import { buildProgram } from '../build-program.ts';
import { checkFeeds, checkValues, withoutFixed } from '../check-feeds.ts';
import type { Dim, DType, Engine, Executable, Program, Tensor } from '../engine.ts';
import { type LoadedTfjs, loadTfjs, type TfjsBackend } from './load-tfjs.ts';
import { TfjsPrimitives } from './tfjs-primitives.ts';

/**
 * An engine that carries a program out anew at each run, on the GPU through `node-gpu`, else on the CPU.
 *
 * @param from folder from which the packages are looked up; where a native build lies outside this project
 * @throws {EngineError} when the backend is not there
 */
export async function createTfjsEngine({ backend, from }: { backend: TfjsBackend; from?: string }): Promise<Engine> {
  const loaded = await loadTfjs(backend, from);
  const { tf, device } = loaded;
  return {
    name: `tfjs-${backend}`,
    build: `tfjs ${tf.version['tfjs-core']} ${backend}, ${device}, ${platform} ${arch}`,
    tensor(values, shape) {
      checkValues(values.length, shape);
      return tensorOf(loaded, values, shape);
    },
    async compile(program, fixed = {}) {
      const fed = withoutFixed(program, fixed);
      const kept = Object.entries(fixed).map(([name, { values, shape }]) => [name, tensorOf(loaded, values, shape)] as const);
      return new TfjsExecutable(fed, loaded, Object.fromEntries(kept));
    },
    dispose: async () => {},
  };
}

const tensorOf = (loaded: LoadedTfjs, values: Float32Array | Int32Array, shape: readonly number[]): Tensor =>
  new TfjsTensor(inBackend(loaded, () => loaded.tf.tensor(values, [...shape], values instanceof Float32Array ? 'float32' : 'int32')));

class TfjsTensor implements Tensor {
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly #native: NativeTensor;

  constructor(native: NativeTensor) {
    if (native.dtype !== 'float32' && native.dtype !== 'int32') throw new EngineError(`Expected float32 or int32, got ${native.dtype}`);
    this.shape = native.shape;
    this.dtype = native.dtype;
    this.#native = native;
  }

  get native(): NativeTensor {
    if (this.#native.isDisposed) throw new EngineError(`Expected a tensor, got one of shape [${this.shape.join(', ')}] that was disposed of`);
    return this.#native;
  }

  read(): Promise<Float32Array | Int32Array> {
    return this.native.data<'float32' | 'int32'>();
  }

  dispose(): void {
    this.#native.dispose();
  }
}

class TfjsExecutable implements Executable {
  readonly #program: Program;
  readonly #loaded: LoadedTfjs;
  readonly #fixed: Readonly<Record<string, Tensor>>;
  #isOpen = true;

  constructor(program: Program, loaded: LoadedTfjs, fixed: Readonly<Record<string, Tensor>>) {
    this.#program = program;
    this.#loaded = loaded;
    this.#fixed = fixed;
  }

  async run(feeds: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>> {
    if (!this.#isOpen) throw new EngineError(`${this.#program.name}: expected a program, got one that was disposed of`);
    const sizes = checkFeeds(this.#program, feeds);
    const inputs = Object.fromEntries(Object.entries({ ...this.#fixed, ...feeds }).map(([name, tensor]) => [name, nativeOf(name, tensor)]));
    const outputs = this.#execute(inputs, (dim) => (typeof dim === 'string' ? (sizes.get(dim) ?? dim) : dim));
    return Object.fromEntries(Object.entries(outputs).map(([name, native]) => [name, new TfjsTensor(native)]));
  }

  async dispose(): Promise<void> {
    if (this.#isOpen) for (const tensor of Object.values(this.#fixed)) tensor.dispose();
    this.#isOpen = false;
  }

  #execute(inputs: Readonly<Record<string, NativeTensor>>, size: (dim: Dim) => Dim): Record<string, NativeTensor> {
    const { tf, backendName } = this.#loaded;
    const primitives = new TfjsPrimitives(tf, { flagsAreSlow: backendName === 'wasm' });
    try {
      return inBackend(this.#loaded, () =>
        tf.tidy(() => {
          const outputs = buildProgram(this.#program, primitives, { inputs, size });
          // an output may be a feed, or the same value as another: each gets a handle of its own
          return Object.fromEntries([...outputs].map(([name, value]) => [name, tf.clone(value)]));
        }),
      );
    } catch (error) {
      if (error instanceof EngineError) throw error;
      throw new EngineError(`${this.#program.name}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
  }
}

/** Engines of one TensorFlow.js share its current backend, so each sets its own before it works. */
function inBackend<T>({ tf, backendName }: LoadedTfjs, work: () => T): T {
  // takes effect at once for a backend that is ready, which loadTfjs has seen to
  if (tf.getBackend() !== backendName) void tf.setBackend(backendName);
  return work();
}

function nativeOf(name: string, tensor: Tensor): NativeTensor {
  if (!(tensor instanceof TfjsTensor)) throw new EngineError(`Expected feed ${name} of a tfjs engine, got another engine's tensor`);
  return tensor.native;
}

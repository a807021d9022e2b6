import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { EngineError } from '../../errors.ts';

/** What the packages of TensorFlow.js have in common: all code takes it from here, for each may bring a copy of its own. */
export type Tfjs = typeof import('@tensorflow/tfjs');
export type TfjsBackend = 'wasm' | 'cpu' | 'node' | 'node-gpu';

export type LoadedTfjs = {
  readonly tf: Tfjs;
  /** The backend's name inside TensorFlow.js; ready, and the current one until somebody sets another. */
  readonly backendName: string;
  readonly device: 'cpu' | 'gpu';
};

const NATIVE_BACKEND = 'tensorflow';

/**
 * Loads TensorFlow.js with one backend.
 *
 * @param from folder from which the packages are looked up; where a native build lies outside this project
 * @throws {EngineError} when the package or its native library is not there, or `node-gpu` sees no GPU
 */
export async function loadTfjs(backend: TfjsBackend, from?: string): Promise<LoadedTfjs> {
  const require = createRequire(from === undefined ? import.meta.url : join(from, 'package.json'));
  try {
    return backend === 'node' || backend === 'node-gpu' ? await loadNative(backend, require) : await loadPortable(backend, require);
  } catch (error) {
    if (error instanceof EngineError) throw error;
    throw new EngineError(`tfjs-${backend}: ${firstLine(error)}`, { cause: error });
  }
}

async function loadNative(backend: 'node' | 'node-gpu', require: NodeJS.Require): Promise<LoadedTfjs> {
  const name = `@tensorflow/tfjs-${backend}`;
  // asked first: the package loads much before it finds out
  if (!hasNativeLibrary(name, require)) throw new EngineError(`tfjs-${backend}: ${name} is not installed with its native library`);
  // its library writes what it finds of the processor on stderr, unless it is told not to
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '2';
  const tf = require(name) as Tfjs;
  tf.enableProdMode();
  // every TensorFlow.js of a process shares its current backend, which another engine may have set
  await tf.setBackend(NATIVE_BACKEND);
  const native = tf.backend();
  const device = 'isUsingGpuDevice' in native && native.isUsingGpuDevice === true ? 'gpu' : 'cpu';
  if (backend === 'node-gpu' && device === 'cpu') throw new EngineError('tfjs-node-gpu: TensorFlow sees no GPU');
  return { tf, backendName: NATIVE_BACKEND, device };
}

function hasNativeLibrary(name: string, require: NodeJS.Require): boolean {
  try {
    return existsSync(join(dirname(require.resolve(`${name}/package.json`)), 'lib'));
  } catch {
    return false;
  }
}

async function loadPortable(backend: 'wasm' | 'cpu', require: NodeJS.Require): Promise<LoadedTfjs> {
  const tf = require('@tensorflow/tfjs') as Tfjs;
  // production mode: no advice on the console, no scan of every result for NaN
  tf.enableProdMode();
  if (backend === 'wasm') await initializeWasm(tf, require);
  else await tf.setBackend(backend);
  return { tf, backendName: backend, device: 'cpu' };
}

async function initializeWasm(tf: Tfjs, require: NodeJS.Require): Promise<void> {
  const name = '@tensorflow/tfjs-backend-wasm';
  const { setWasmPaths } = require(name) as typeof import('@tensorflow/tfjs-backend-wasm');
  const events = ['uncaughtException', 'unhandledRejection'] as const;
  const before = events.map((event) => process.rawListeners(event));
  if (tf.findBackend('wasm') === null) setWasmPaths(`${dirname(require.resolve(name))}/`);
  if (!(await tf.setBackend('wasm'))) throw new EngineError('tfjs-wasm: the WebAssembly module does not start');
  // Emscripten's start-up takes over what the process does with its errors
  events.forEach((event, i) => {
    for (const listener of process.rawListeners(event)) if (!before[i]!.includes(listener)) process.removeListener(event, listener as () => void);
  });
}

const firstLine = (error: unknown): string => (error instanceof Error ? error.message : String(error)).split('\n', 1)[0]!.trim();

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError } from '../errors.ts';
import type { Engine } from './engine.ts';
import { createTfjsEngine } from './tfjs/tfjs-engine.ts';

type Options = { readonly threads: number; /** folder of native builds of TensorFlow.js, each under its engine's name */ readonly native?: string | undefined };

/** Every engine, in the order of preference. */
const ENGINES: Readonly<Record<string, (options: Options) => Promise<Engine>>> = {
  'tfjs-node-gpu': (options) => createTfjsEngine({ backend: 'node-gpu', ...builtIn(options, 'tfjs-node-gpu') }),
  // loaded only now: its native library does not come for every platform
  onnx: async ({ threads }) => (await import('./onnx/onnx-engine.ts')).createOnnxEngine({ threads }),
  'tfjs-node': (options) => createTfjsEngine({ backend: 'node', ...builtIn(options, 'tfjs-node') }),
  'tfjs-wasm': () => createTfjsEngine({ backend: 'wasm' }),
  'tfjs-cpu': () => createTfjsEngine({ backend: 'cpu' }),
};

/** Where a native build lies outside this project; without one, the project's own package. */
function builtIn({ native }: Options, name: string): { from?: string } {
  const from = native === undefined ? undefined : join(native, name);
  return from !== undefined && existsSync(from) ? { from } : {};
}

/** The names that `prefer` takes, best first. */
export const engineNames: readonly string[] = Object.keys(ENGINES);

export type EngineAvailability = { readonly name: string; readonly ok: boolean; readonly reason?: string };

/**
 * The engine of this name; without one, the first that this machine has of a GPU, onnx, and TensorFlow.js on the CPU.
 *
 * @param threads threads of one run, where the engine leaves that to be said
 * @throws {EngineError} when the preferred engine is unknown or not there
 */
export async function chooseEngine({ prefer, ...options }: { prefer?: string | undefined } & Options): Promise<Engine> {
  if (prefer !== undefined) {
    if (!Object.hasOwn(ENGINES, prefer)) throw new EngineError(`Expected an engine of ${engineNames.join(', ')}, got ${prefer}`);
    return ENGINES[prefer]!(options);
  }
  const reasons: string[] = [];
  for (const create of Object.values(ENGINES)) {
    try {
      return await create(options);
    } catch (error) {
      reasons.push(reasonOf(error));
    }
  }
  throw new EngineError(`Expected at least one engine, got none: ${reasons.join('; ')}`);
}

/** Of each engine whether this machine has it, best first. */
export async function availableEngines({ native }: Pick<Options, 'native'> = {}): Promise<EngineAvailability[]> {
  const found: EngineAvailability[] = [];
  for (const [name, create] of Object.entries(ENGINES)) {
    try {
      const engine = await create({ threads: 1, native });
      await engine.dispose();
      found.push({ name, ok: true });
    } catch (error) {
      found.push({ name, ok: false, reason: reasonOf(error) });
    }
  }
  return found;
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

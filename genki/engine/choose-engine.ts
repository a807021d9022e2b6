import { EngineError } from '../errors.ts';
import type { Engine } from './engine.ts';
import { createTfjsEngine } from './tfjs/tfjs-engine.ts';

type Options = { readonly threads: number };

/** Every engine, in the order of preference. */
const ENGINES: Readonly<Record<string, (options: Options) => Promise<Engine>>> = {
  'tfjs-node-gpu': () => createTfjsEngine({ backend: 'node-gpu' }),
  // loaded only now: its native library does not come for every platform
  onnx: async ({ threads }) => (await import('./onnx/onnx-engine.ts')).createOnnxEngine({ threads }),
  'tfjs-node': () => createTfjsEngine({ backend: 'node' }),
  'tfjs-wasm': () => createTfjsEngine({ backend: 'wasm' }),
  'tfjs-cpu': () => createTfjsEngine({ backend: 'cpu' }),
};

/** The names that `prefer` takes, best first. */
export const engineNames: readonly string[] = Object.keys(ENGINES);

export type EngineAvailability = { readonly name: string; readonly ok: boolean; readonly reason?: string };

/**
 * The engine of this name; without one, the first that this machine has of a GPU, onnx, and TensorFlow.js on the CPU.
 *
 * @param threads threads of one run, where the engine leaves that to be said
 * @throws {EngineError} when the preferred engine is unknown or not there
 */
export async function chooseEngine({ prefer, threads }: { prefer?: string | undefined } & Options): Promise<Engine> {
  if (prefer !== undefined) {
    if (!Object.hasOwn(ENGINES, prefer)) throw new EngineError(`Expected an engine of ${engineNames.join(', ')}, got ${prefer}`);
    return ENGINES[prefer]!({ threads });
  }
  const reasons: string[] = [];
  for (const create of Object.values(ENGINES)) {
    try {
      return await create({ threads });
    } catch (error) {
      reasons.push(reasonOf(error));
    }
  }
  throw new EngineError(`Expected at least one engine, got none: ${reasons.join('; ')}`);
}

/** Of each engine whether this machine has it, best first. */
export async function availableEngines(): Promise<EngineAvailability[]> {
  const found: EngineAvailability[] = [];
  for (const [name, create] of Object.entries(ENGINES)) {
    try {
      const engine = await create({ threads: 1 });
      await engine.dispose();
      found.push({ name, ok: true });
    } catch (error) {
      found.push({ name, ok: false, reason: reasonOf(error) });
    }
  }
  return found;
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

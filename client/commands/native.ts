import { availableEngines } from '../../genki/engine/choose-engine.ts';
import { nativeFolder } from '../../workers/engine.ts';
import { buildNative } from '../native/build.ts';
import { RECIPES } from '../native/recipe.ts';

/** `genki native`: a native TensorFlow.js for this user's projects; on NVIDIA's GPUs, or on the CPU. */
export async function native({ gpu, json }: { readonly gpu: boolean; readonly json: boolean }, env: NodeJS.ProcessEnv): Promise<void> {
  const recipe = RECIPES[gpu ? 'gpu' : 'cpu'];
  const folder = nativeFolder(env);
  const place = await buildNative(recipe, { folder, env, say: (line) => process.stderr.write(`${line}\n`) });
  const engine = (await availableEngines({ native: folder })).find(({ name }) => name === recipe.name)!;
  const works = engine.ok ? `the engine ${engine.name} works` : `but the engine ${engine.name} does not: ${engine.reason}`;
  process.stdout.write(json ? `${JSON.stringify({ place, ...engine })}\n` : `${place}: built; ${works}\n`);
  if (!engine.ok) process.exitCode = 1;
}

import { availableParallelism, homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { chooseEngine } from '../genki/engine/choose-engine.ts';
import type { Engine } from '../genki/engine/engine.ts';

/** Where `genki native` puts what it builds, for all projects of this user. */
export function nativeFolder({ XDG_CACHE_HOME: cache = '' }: NodeJS.ProcessEnv): string {
  // code is loaded from it: never from a folder that somebody happens to be in
  return join(isAbsolute(cache) ? cache : join(homedir(), '.cache'), 'genki', 'native');
}

/** The engine that `GENKI_ENGINE` names, or else the best of this machine, on all its cores. */
export const engineOf = (env: NodeJS.ProcessEnv): Promise<Engine> =>
  chooseEngine({ threads: availableParallelism(), native: nativeFolder(env), ...(env.GENKI_ENGINE !== undefined && { prefer: env.GENKI_ENGINE }) });

import { availableParallelism, homedir } from 'node:os';
import { join } from 'node:path';
import { chooseEngine } from '../genki/engine/choose-engine.ts';
import type { Engine } from '../genki/engine/engine.ts';

/** Where `genki native` puts what it builds, for all projects of this user. */
export const nativeFolder = (env: NodeJS.ProcessEnv): string => join(env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'genki', 'native');

/** The engine that `GENKI_ENGINE` names, or else the best of this machine, on all its cores. */
export const engineOf = (env: NodeJS.ProcessEnv): Promise<Engine> =>
  chooseEngine({ threads: availableParallelism(), native: nativeFolder(env), ...(env.GENKI_ENGINE !== undefined && { prefer: env.GENKI_ENGINE }) });

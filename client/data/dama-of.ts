import type { Deployment } from '../../activities/deployment.ts';
import { homeOf, modelsOf, storeSettingsOf } from '../../workers/settings.ts';
import { createStore } from '../../workers/store.ts';
import { damaFolder } from '../dama-folder.ts';

/** A folder of the Dama that a network began with: whatever was learnt since, its codec is the same. */
export function damaOf({ genesisDama }: Deployment, env: NodeJS.ProcessEnv): Promise<string> {
  const home = homeOf(env);
  return damaFolder(createStore(storeSettingsOf(env, home)), genesisDama, modelsOf(home));
}

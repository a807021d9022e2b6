import { spawn } from 'node:child_process';
import { readSettings } from '../../workers/settings.ts';
import { findTemporal } from '../embedded/find-temporal.ts';

/** `genki temporal …`: for those who have no `temporal` on their PATH, or a network on other ports. */
export async function temporal(args: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  const { network } = readSettings(env);
  const command = await findTemporal({ env, say: () => undefined, lookOnly: true });
  const child = spawn(command, args, { stdio: 'inherit', env: { ...env, TEMPORAL_ADDRESS: network.temporal, TEMPORAL_NAMESPACE: network.namespace } });
  process.exitCode = await new Promise<number>((resolve, reject) => child.once('error', reject).once('exit', (code) => resolve(code ?? 1)));
}

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Chain } from '../../../genki/chain/chain.ts';
import { createDevChain, type DevChain } from '../../../genki/chain/local/dev-chain.ts';
import { createLocalChain } from '../../../genki/chain/local/local-chain.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** The local chain as a process of its own, started for tests, that stays dead when it is killed. */
export type ChainProcess = { readonly child: ChildProcess; readonly chain: Chain; readonly dev: DevChain; /** lines on stderr so far */ readonly complaints: string[]; kill(): Promise<void> };

/**
 * @param fileKiB the longest file that it may write, where there is a limit
 * @throws with what it said on stderr when it does not start
 */
export async function startChainProcess({ dir, genesis, blockMs = 0, fileKiB }: { dir: string; /** path */ genesis: string; blockMs?: number; fileKiB?: number }): Promise<ChainProcess> {
  const args = ['--import', 'tsx', 'genki/chain/local/main.ts', '--dir', dir, '--genesis', genesis, '--block-ms', String(blockMs), '--dev'];
  const [command, ...rest] = fileKiB === undefined ? [process.execPath, ...args] : ['bash', '-c', `ulimit -S -f ${fileKiB}; exec "$@"`, 'bash', process.execPath, ...args];
  const child = spawn(command!, rest, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
  const complaints: string[] = [];
  createInterface(child.stderr).on('line', (line) => complaints.push(line));
  const url = await Promise.race([
    once(createInterface(child.stdout), 'line').then(([line]) => String(line).replace('ready ', '')),
    once(child, 'close').then(() => { throw new Error(`The chain ended with ${child.exitCode ?? child.signalCode}: ${complaints.join('\n')}`); }),
  ]);
  const [chain, dev] = [createLocalChain({ url }), createDevChain({ url })];
  return { child, chain, dev, complaints, kill: () => killed(child) };
}

/** Kills it and waits until it is gone. */
export async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

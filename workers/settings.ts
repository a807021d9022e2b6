import { availableParallelism } from 'node:os';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import * as z from 'zod';
import { parseJson } from '../activities/parse-json.ts';
import { InvalidInput } from '../genki/errors.ts';

/** Where a running network answers; written by `genki up` to `<home>/network.json`, read by whoever joins it. */
export const Network = z.strictObject({
  temporal: z.string().min(1),
  namespace: z.string().min(1),
  ui: z.string().optional(),
  chain: z.url(),
});
export type Network = z.infer<typeof Network>;

const Environment = z.object({
  GENKI_HOME: z.string().min(1).default('.genki'),
  // not to be quoted when nobody has that name
  GENKI_HOTKEY: z.string().refine((text) => !/^(0x)?[0-9a-f]{64}$/i.test(text), 'expected a hotkey or a name, got what may be a secret').optional(),
  GENKI_CHAIN: z.url().optional(),
  GENKI_ENGINE: z.enum(['onnx', 'tfjs-node-gpu', 'tfjs-node', 'tfjs-wasm', 'tfjs-cpu']).optional(),
  GENKI_RUNNERS: z.coerce.number().int().min(1).max(64).optional(),
  GENKI_THREADS: z.coerce.number().int().min(1).max(256).optional(),
  TEMPORAL_ADDRESS: z.string().optional(),
  TEMPORAL_NAMESPACE: z.string().optional(),
  FFMPEG_BIN: z.string().optional(),
});

export type Settings = {
  /** Everything that this machine keeps lies below this folder. */
  readonly home: string;
  readonly storeRoot: string;
  readonly walletsDir: string;
  readonly network: Network;
  /** Who acts when an input names nobody. */
  readonly hotkey: string | undefined;
  readonly engine: string | undefined;
  /** Runner processes of the gpu worker, and the threads of each. */
  readonly runners: number;
  readonly threads: number;
};

/** Where things lie, before it is known whether a network is running. */
export function homeOf(env: NodeJS.ProcessEnv): string {
  return resolve(read(env).GENKI_HOME);
}

/**
 * Machine settings from the environment and from `<home>/network.json`.
 * @throws {InvalidInput} naming the variable that is wrong, or saying that no network is known
 */
export function readSettings(env: NodeJS.ProcessEnv): Settings {
  const e = read(env);
  const home = resolve(e.GENKI_HOME);
  const file = join(home, 'network.json');
  const known = existsSync(file) ? parse(Network, parseJson(readFileSync(file, 'utf8')), file) : undefined;
  const temporal = e.TEMPORAL_ADDRESS ?? known?.temporal;
  const chain = e.GENKI_CHAIN ?? known?.chain;
  if (temporal === undefined || chain === undefined) {
    throw new InvalidInput(`Expected a running network (TEMPORAL_ADDRESS and GENKI_CHAIN, or ${file}); start one with: npm run genki -- up`);
  }
  const cores = availableParallelism();
  // two jobs side by side use the cores better than one job on all of them
  const runners = e.GENKI_RUNNERS ?? Math.min(2, cores);
  return {
    home,
    storeRoot: join(home, 'store'),
    walletsDir: join(home, 'wallets'),
    network: { temporal, chain, namespace: e.TEMPORAL_NAMESPACE ?? known?.namespace ?? 'default', ...(known?.ui === undefined ? {} : { ui: known.ui }) },
    hotkey: e.GENKI_HOTKEY,
    engine: e.GENKI_ENGINE,
    runners,
    threads: e.GENKI_THREADS ?? Math.max(1, Math.floor(cores / runners)),
  };
}

const read = (env: NodeJS.ProcessEnv) => parse(Environment, env, 'the environment');

function parse<T>(schema: z.ZodType<T>, value: unknown, where: string): T {
  const result = schema.safeParse(value);
  if (!result.success) throw new InvalidInput(`Expected valid settings in ${where}:\n${z.prettifyError(result.error)}`);
  return result.data;
}

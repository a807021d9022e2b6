import { availableParallelism } from 'node:os';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import * as z from 'zod';
import { parseJson } from '../activities/parse-json.ts';
import { isChainAddress, type ChainAddress } from '../genki/chain/open-chain.ts';
import { InvalidInput } from '../genki/errors.ts';

/** Where a running network answers; written by `genki up` to `<home>/network.json`, read by whoever joins it. */
export const Network = z.strictObject({
  temporal: z.string().min(1),
  namespace: z.string().min(1),
  ui: z.string().optional(),
  chain: z.string().refine(isChainAddress, 'expected http://… of a local chain, or ws://… or wss://… of subtensor nodes, several by commas'),
  /** A subtensor node that keeps the states of all blocks. */
  archive: z.url({ protocol: /^wss?$/ }).optional(),
  /** A hub's door, where the miners pass an adapter on. */
  hub: z.url({ protocol: /^https?$/ }).optional(),
});
export type Network = z.infer<typeof Network>;

/** Where a network's chain is. */
export const chainOf = ({ chain, archive }: Pick<Network, 'chain' | 'archive'>): ChainAddress => ({ address: chain, ...(archive !== undefined && { archive }) });

const Environment = z.object({
  GENKI_HOME: z.string().min(1, 'expected a folder, got nothing; without the variable it is .genki').default('.genki'),
  // not to be quoted when nobody has that name
  GENKI_HOTKEY: z.string().refine((text) => !/^(0x)?[0-9a-f]{64}$/i.test(text), 'expected a hotkey or a name, got what may be a secret').optional(),
  GENKI_PASSPHRASE_FILE: z.string().refine((file) => /[/\\]/.test(file) || existsSync(file), 'expected a file, there is none of that name; it is not repeated, as it may be the passphrase itself').optional(),
  GENKI_CHAIN: z.string().refine(isChainAddress, 'expected http://… of a local chain, or ws://… or wss://… of subtensor nodes, several by commas').optional(),
  GENKI_CHAIN_ARCHIVE: z.url({ protocol: /^wss?$/ }).optional(),
  GENKI_HUB: z.url({ protocol: /^https?$/ }).optional(),
  // a password in the address would end up in messages, and is not repeated here
  GENKI_S3_ENDPOINT: z.string().refine(isServerAddress, 'expected http:// or https://, a host and a port, without a user, a password or a query').optional(),
  GENKI_S3_REGION: z.string().regex(/^[a-z0-9-]{1,64}$/).optional(),
  GENKI_S3_PATH_STYLE: z.enum(['true', 'false']).optional(),
  GENKI_CACHE_BYTES: z.string().regex(/^\d{1,15}$/, 'expected a number of bytes').transform(Number).optional(),
  AWS_ACCESS_KEY_ID: z.string().optional(),
  AWS_SECRET_ACCESS_KEY: z.string().optional(),
  GENKI_CLAP_FOLDER: z.string().min(1).optional(),
  GENKI_ENGINE: z.enum(['onnx', 'tfjs-node-gpu', 'tfjs-node', 'tfjs-wasm', 'tfjs-cpu']).optional(),
  GENKI_RUNNERS: z.coerce.number().int().min(1).max(64).optional(),
  GENKI_THREADS: z.coerce.number().int().min(1).max(256).optional(),
  TEMPORAL_ADDRESS: z.string().optional(),
  TEMPORAL_NAMESPACE: z.string().optional(),
  FFMPEG_BIN: z.string().optional(),
});

/** Where objects are kept. Credentials are found by AWS's own chain. */
export type StoreSettings =
  | { readonly kind: 'folder'; readonly root: string }
  | {
      readonly kind: 's3';
      readonly endpoint: string;
      readonly region: string;
      readonly pathStyle: boolean;
      /** For what was read once; no bytes, no cache. */
      readonly cache: { readonly folder: string; readonly maxBytes: number };
    };

/** Of LAION-CLAP: a folder of its files, in place of the hub; and where the hub's are kept. */
export type ClapSettings = { readonly folder?: string; readonly cacheDir: string };

const CACHE_BYTES = 4 * 2 ** 30;

export type Settings = {
  /** Everything that this machine keeps lies below this folder. */
  readonly home: string;
  readonly store: StoreSettings;
  readonly walletsDir: string;
  /** Of what the wallets are locked with. */
  readonly passphraseFile: string;
  readonly network: Network;
  /** Who acts when an input names nobody. */
  readonly hotkey: string | undefined;
  readonly engine: string | undefined;
  /** Where an embedder's files are, or where what is downloaded of one is kept. */
  readonly clap: ClapSettings;
  /** Where the files of large Damas are kept. */
  readonly models: string;
  /** Runner processes of the gpu worker, and the threads of each. */
  readonly runners: number;
  readonly threads: number;
};

/**
 * Where things lie, before it is known whether a network is running.
 * @throws {InvalidInput} when that is no folder and cannot become one
 */
export function homeOf(env: NodeJS.ProcessEnv): string {
  const home = resolve(read(env).GENKI_HOME);
  let found = home;
  while (!existsSync(found)) found = dirname(found);
  if (statSync(found).isDirectory()) return home;
  throw new InvalidInput(`Expected GENKI_HOME to be a folder, got ${home}; ${found} is a file`);
}

export const walletsDirOf = (home: string): string => join(home, 'wallets');

const storeRootOf = (home: string): string => join(home, 'store');

/** The S3 server that a home's network was made on, so that no process of it looks elsewhere. */
const KeptServer = z.strictObject({ endpoint: z.string(), region: z.string(), pathStyle: z.boolean() });
export const s3File = (home: string): string => join(home, 's3.json');

/**
 * S3 where an endpoint is named or the home was made on one, else the home's folder.
 * @throws {InvalidInput} naming a variable that says nothing without another one, or another server than the home's
 */
export function storeSettingsOf(env: NodeJS.ProcessEnv, home: string): StoreSettings {
  const e = read(env);
  const file = s3File(home);
  const kept = existsSync(file) ? parse(KeptServer, parseJson(readFileSync(file, 'utf8')), file) : undefined;
  const endpoint = e.GENKI_S3_ENDPOINT ?? kept?.endpoint;
  if (kept && endpoint !== kept.endpoint) throw new InvalidInput(`Expected GENKI_S3_ENDPOINT to be ${kept.endpoint}, where the objects of ${home} are, got ${endpoint}`);
  if (endpoint === undefined) {
    for (const name of ['GENKI_S3_REGION', 'GENKI_S3_PATH_STYLE', 'GENKI_CACHE_BYTES'] as const) {
      if (e[name] !== undefined) throw new InvalidInput(`Expected GENKI_S3_ENDPOINT beside ${name}, got none`);
    }
    return { kind: 'folder', root: storeRootOf(home) };
  }
  for (const [one, other] of [['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'], ['AWS_SECRET_ACCESS_KEY', 'AWS_ACCESS_KEY_ID']] as const) {
    if (e[one] && !e[other]) throw new InvalidInput(`Expected ${other} beside ${one}, got none`);
  }
  const cache = { folder: join(home, 'cache'), maxBytes: e.GENKI_CACHE_BYTES ?? CACHE_BYTES };
  return { kind: 's3', endpoint, region: e.GENKI_S3_REGION ?? kept?.region ?? 'us-east-1', pathStyle: e.GENKI_S3_PATH_STYLE === undefined ? (kept?.pathStyle ?? true) : e.GENKI_S3_PATH_STYLE !== 'false', cache };
}

/** Where a machine keeps the files of large Damas, by their digest. */
export const modelsOf = (home: string): string => join(home, 'cache', 'models');

/** Where the passphrase of a home's wallets lies. */
export const passphraseFileOf = (env: NodeJS.ProcessEnv, home: string): string => resolve(read(env).GENKI_PASSPHRASE_FILE ?? join(home, 'passphrase'));

/**
 * Machine settings from the environment and from `<home>/network.json`.
 * @throws {InvalidInput} naming the variable that is wrong, or saying that no network is known
 */
export function readSettings(env: NodeJS.ProcessEnv): Settings {
  const e = read(env);
  const home = homeOf(env);
  const file = networkFile(home);
  const known = networkOf(home);
  const temporal = e.TEMPORAL_ADDRESS ?? known?.temporal;
  const chain = e.GENKI_CHAIN ?? known?.chain;
  // an archive belongs to its chain
  const archive = e.GENKI_CHAIN_ARCHIVE ?? (e.GENKI_CHAIN === undefined ? known?.archive : undefined);
  const hub = e.GENKI_HUB ?? known?.hub;
  if (temporal === undefined || chain === undefined) {
    throw new InvalidInput(`Expected a running network (TEMPORAL_ADDRESS and GENKI_CHAIN, or ${file}); start one with: npm run genki -- up`);
  }
  const cores = availableParallelism();
  // two jobs side by side use the cores better than one job on all of them
  const runners = e.GENKI_RUNNERS ?? Math.min(2, cores);
  return {
    home,
    store: storeSettingsOf(env, home),
    walletsDir: walletsDirOf(home),
    passphraseFile: passphraseFileOf(env, home),
    network: { temporal, chain, namespace: e.TEMPORAL_NAMESPACE ?? known?.namespace ?? 'default', ...(known?.ui === undefined ? {} : { ui: known.ui }), ...(archive !== undefined && { archive }), ...(hub !== undefined && { hub }) },
    hotkey: e.GENKI_HOTKEY,
    engine: e.GENKI_ENGINE,
    models: modelsOf(home),
    clap: { cacheDir: join(home, 'cache', 'clap'), ...(e.GENKI_CLAP_FOLDER !== undefined && { folder: resolve(e.GENKI_CLAP_FOLDER) }) },
    runners,
    threads: e.GENKI_THREADS ?? Math.max(1, Math.floor(cores / runners)),
  };
}

/** The chain alone, for who wants nothing else of a network. @throws {InvalidInput} where none is known */
export function chainSettings(env: NodeJS.ProcessEnv): { readonly home: string; readonly address: ChainAddress } {
  const home = homeOf(env);
  const { GENKI_CHAIN: chain, GENKI_CHAIN_ARCHIVE: archive } = read(env);
  if (chain !== undefined) return { home, address: chainOf({ chain, ...(archive !== undefined && { archive }) }) };
  const known = networkOf(home);
  if (!known) throw new InvalidInput(`Expected a chain: GENKI_CHAIN, or ${networkFile(home)} of a running network`);
  return { home, address: chainOf(known) };
}

const networkFile = (home: string): string => join(home, 'network.json');

const networkOf = (home: string): Network | undefined => (existsSync(networkFile(home)) ? parse(Network, parseJson(readFileSync(networkFile(home), 'utf8')), networkFile(home)) : undefined);

const read = (env: NodeJS.ProcessEnv) => parse(Environment, env, 'the environment');

function parse<T>(schema: z.ZodType<T>, value: unknown, where: string): T {
  const result = schema.safeParse(value);
  if (!result.success) throw new InvalidInput(`Expected valid settings in ${where}:\n${z.prettifyError(result.error)}`);
  return result.data;
}

function isServerAddress(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const { protocol, username, password, search, hash } = new URL(address);
  return ['http:', 'https:'].includes(protocol) && [username, password, search, hash].every((part) => part === '');
}

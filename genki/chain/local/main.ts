/**
 * The local chain as a process of its own:
 *
 *     node --import tsx genki/chain/local/main.ts --dir DIR --genesis FILE [--port 0] [--block-ms 1000] [--dev]
 *
 * makes a block each `--block-ms`; with 0 and `--dev` only when `dev_produceBlock` asks. It prints `ready <url>` once it answers, and sends `{ready: url}` to a parent that forked it. SIGTERM, SIGINT or the end
 * of a parent that forked it finish the block in progress and exit 0; any error exits 1 with one line on stderr. A full
 * disk is no such error: it says so, answers what it can, and goes on once there is room.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import * as z from 'zod';
import { ChainUnavailable, InvalidInput } from '../../errors.ts';
import { Genesis } from './genesis.ts';
import { openNode, type LocalNode } from './node.ts';
import { serveRpc } from './rpc-server.ts';

const Flags = z.strictObject({
  dir: z.string().min(1),
  genesis: z.string().min(1),
  port: z.coerce.number().int().min(0).max(65535).default(0),
  'block-ms': z.coerce.number().int().min(0).max(3_600_000).default(1000),
  dev: z.boolean().default(false),
}).refine((flags) => flags['block-ms'] > 0 || flags.dev, 'expected --dev with --block-ms 0, since nothing else would make a block');

async function main(): Promise<void> {
  const flags = readFlags();
  const node = await openNode({ dir: flags.dir, genesis: await readGenesis(flags.genesis), secret: await authorSecret(flags.dir) });
  const server = await serveRpc(node, flags.port, { dev: flags.dev });
  console.log(`ready ${server.url}`);
  process.send?.({ ready: server.url });
  await produceUntilStopped(node, flags['block-ms']);
  await server.close();
  await node.close();
}

function readFlags(): z.infer<typeof Flags> {
  const string = { type: 'string' } as const;
  const { values } = parseArgs({ options: { dir: string, genesis: string, port: string, 'block-ms': string, dev: { type: 'boolean' } } });
  const flags = Flags.safeParse(values);
  if (!flags.success) throw new InvalidInput(z.prettifyError(flags.error));
  return flags.data;
}

async function readGenesis(path: string): Promise<Genesis> {
  const text = await readFile(path, 'utf8').catch((error: Error) => { throw new InvalidInput(`Expected a genesis in ${path}: ${error.message}`, { cause: error }); });
  const genesis = Genesis.safeParse(json(text));
  if (!genesis.success) throw new InvalidInput(`Expected a genesis in ${path}: ${z.prettifyError(genesis.error)}`);
  return genesis.data;
}

/** undefined where it is none */
function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Kept beside the journal; a lost one is simply replaced, since nothing depends on it but surprise and, where there is one, the beacon. */
async function authorSecret(dir: string): Promise<Uint8Array> {
  const path = join(dir, 'author-secret');
  await mkdir(dir, { recursive: true });
  const kept = await readFile(path).catch(() => undefined);
  if (kept?.length === 32) return kept;
  const secret = randomBytes(32);
  await writeFile(path, secret, { mode: 0o600 });
  return secret;
}

/** A block each `blockMs`; after a pause (a stopped laptop) it carries on from now instead of catching up. */
async function produceUntilStopped(node: LocalNode, blockMs: number): Promise<void> {
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT', 'disconnect'] as const) process.once(signal, () => stop.abort());
  if (blockMs === 0) return await stopped(stop.signal);
  let due = performance.now() + blockMs;
  let hadRoom = true;
  while (await slept(due - performance.now(), stop.signal)) {
    const trouble = await node.produceBlock().then(() => undefined, roomless);
    if (hadRoom && trouble) console.error(trouble);
    if (!hadRoom && !trouble) console.error('There is room again');
    hadRoom = !trouble;
    due = Math.max(due + blockMs, performance.now());
  }
}

/** What a disk that takes no more says; any other failure rises. */
function roomless(error: unknown): string {
  if (error instanceof ChainUnavailable) return `${error.name}: ${error.message}`;
  throw error;
}

const stopped = (signal: AbortSignal): Promise<void> => new Promise((resolve) => (signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve(), { once: true })));

function slept(ms: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(false);
    const onAbort = (): void => {
      clearTimeout(timer);
      resolve(false);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', onAbort);
      resolve(true);
    }, Math.max(0, ms));
    signal.addEventListener('abort', onAbort, { once: true });
  });
}

try {
  await main();
  process.exit(0);
} catch (error) {
  console.error(error instanceof Error ? `${error.name}: ${error.message}` : error);
  process.exit(1);
}

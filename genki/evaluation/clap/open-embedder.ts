import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Engine } from '../../engine/engine.ts';
import { EmbedderUnfit, faultOf, InvalidInput } from '../../errors.ts';
import { contentDigest, decodeSafetensors } from '../../protocol/safetensors.ts';
import type { Embedder, EmbedderSpec } from './embedder.ts';
import { readNanoConfig } from './nano/config.ts';
import { NanoEmbedder } from './nano/nano-embedder.ts';
import { MARGINS, selfTest } from './self-test.ts';

const SHIPPED_NANO = fileURLToPath(new URL('../../../dama/clap-nano', import.meta.url));
/** Four times what ours has. */
const MAX_ELEMENTS = 2 ** 20;

export type OpenOptions = {
  readonly engine: Engine;
  /** Where the embedder's files lie; for ours, unless named, where it is shipped. */
  readonly folder?: string;
  /** Where files from the hub are kept. */
  readonly cacheDir?: string;
};

/**
 * The embedder of a competition, once it has passed its own test.
 *
 * @throws {EmbedderUnfit} when its files are not the ones that the digest names, or it fails the test
 * @throws {InvalidInput} when files are missing or of another kind
 * @throws {StoreUnavailable} when the hub cannot answer just now
 */
export async function openEmbedder(spec: EmbedderSpec, options: OpenOptions): Promise<Embedder> {
  const embedder = await opened(spec, options);
  try {
    await selfTest(embedder, MARGINS[spec.kind]);
    return embedder;
  } catch (error) {
    await embedder.dispose();
    throw error;
  }
}

async function opened(spec: EmbedderSpec, { engine, folder, cacheDir }: OpenOptions): Promise<Embedder> {
  try {
    if (spec.kind === 'clap-nano') return await openNano(engine, spec.digest, folder ?? SHIPPED_NANO);
    const { openLaionClap } = await import('./laion.ts');
    // of several threads its sums end otherwise, on another machine
    return await openLaionClap(spec, { threads: 1, ...(folder !== undefined && { folder }), ...(cacheDir !== undefined && { cacheDir }) });
  } catch (cause) {
    // what is wrong with the judge's own files must not be laid to the one who is judged
    const fault = faultOf(cause);
    throw fault === undefined ? cause : new EmbedderUnfit(fault.message, { cause });
  }
}

async function openNano(engine: Engine, digest: string, folder: string): Promise<Embedder> {
  const { tensors } = decodeSafetensors(await readIn(folder, 'model.safetensors'), { maxElements: MAX_ELEMENTS });
  const got = contentDigest(tensors);
  if (got !== digest) throw new EmbedderUnfit(`Expected the clap-nano ${digest}, got ${got}: its files are not those that the competition names`);
  return NanoEmbedder.create(engine, readNanoConfig(jsonOf(await readIn(folder, 'config.json'))), tensors);
}

async function readIn(folder: string, file: string): Promise<Uint8Array> {
  try {
    return await readFile(join(folder, file));
  } catch (cause) {
    throw new InvalidInput(`Expected a file ${file} of clap-nano, it cannot be read`, { cause });
  }
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw new InvalidInput('Expected the config of a clap-nano in JSON, got other text', { cause });
  }
}

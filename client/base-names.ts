import { basename, resolve } from 'node:path';
import type { AdapterBase } from '../genki/music/peft/base-of.ts';
import { readSource } from './hub/source.ts';

/** What an adapter of the model in a folder may call its base: by digest, as the hub does, or as the folder. */
export async function baseOf(folder: string | undefined, { digest, anyName }: { digest: string; anyName: boolean }): Promise<AdapterBase> {
  if (folder === undefined) return { digest, anyName };
  const source = await readSource(folder);
  const names = [basename(resolve(folder)), ...(source ? [source.repository, `${source.repository}@${source.revision}`] : [])];
  return { digest, names, anyName };
}

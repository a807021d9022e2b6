import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { HandedIn } from '../../genki/attacks/hand-in.ts';

/** Puts what somebody hands in into its bucket: that is its own, so anything goes there under any name, also twice. */
export async function lay(root: string, { bucket, objects, key }: HandedIn): Promise<void> {
  for (const [name, bytes] of [...objects, [key.name, key.file] as const]) await layObject(root, `${bucket}/${name}`, bytes);
}

export async function layObject(root: string, name: string, bytes: Uint8Array): Promise<void> {
  const file = join(root, name);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, bytes);
}

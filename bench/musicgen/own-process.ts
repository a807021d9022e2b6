import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as z from 'zod';
import type { Kind } from './learning.ts';
import type { SizeName } from './sizes.ts';

const SCRIPT = fileURLToPath(new URL('training-process.ts', import.meta.url));
const Trained = z.strictObject({ losses: z.array(z.number()), ms: z.array(z.number()), bytes: z.int().positive() });

export type Asked = { readonly folder: string; readonly size: SizeName; readonly kind: Kind; readonly positions: number; readonly steps: number; readonly checkpointing: boolean };

/** What a process that only trains has lost, how long its steps took, and the most memory it had. */
export async function trainAlone(asked: Asked): Promise<z.infer<typeof Trained>> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', SCRIPT, JSON.stringify(asked)]);
  return Trained.parse(JSON.parse(stdout));
}

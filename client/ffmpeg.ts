import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { onPath } from './embedded/find-tool.ts';

/** An ffmpeg that can be run: `FFMPEG_BIN`, the one of the package `ffmpeg-static` if its download was allowed, or the PATH's. */
export async function findFfmpeg(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  for (const file of [env.FFMPEG_BIN, packaged()]) {
    if (file !== undefined && (await access(file, constants.X_OK).then(() => true, () => false))) return file;
  }
  return await onPath('ffmpeg', env);
}

function packaged(): string | undefined {
  try {
    return (createRequire(import.meta.url)('ffmpeg-static') as string | null) ?? undefined;
  } catch {
    return undefined;
  }
}

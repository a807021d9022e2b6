import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findTemporal, onPath, temporalCache } from '../../../client/embedded/find-temporal.ts';

let folder: string;
let env: NodeJS.ProcessEnv;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'genki-find-'));
  env = { PATH: [join(folder, 'first'), '', join(folder, 'second')].join(delimiter), XDG_CACHE_HOME: join(folder, 'cache') };
});
afterEach(() => rmSync(folder, { recursive: true }));

function place(dir: string, name: string, mode = 0o755): string {
  mkdirSync(dir, { recursive: true });
  const file = join(dir, name);
  writeFileSync(file, '');
  chmodSync(file, mode);
  return file;
}
const look = (): Promise<string> => findTemporal({ env, say: () => expect.unreachable('looking is silent'), lookOnly: true });

describe('findTemporal', () => {
  it('takes the first executable on the PATH', async () => {
    place(join(folder, 'first'), 'temporal', 0o644);
    const second = place(join(folder, 'second'), 'temporal');
    place(temporalCache(env), 'temporal');
    expect(await look()).toBe(second);
    expect(await onPath('temporal', { PATH: '' })).toBeUndefined();
  });

  it.each(['temporal', 'temporal-sdk-typescript-1.24.0', 'temporal-v1.5.1'])('takes %s from the cache when the PATH has none', async (name) => {
    place(temporalCache(env), `${name}.downloading`);
    place(temporalCache(env), 'temporal.log', 0o644);
    const cached = place(temporalCache(env), name);
    expect(await look()).toBe(cached);
  });

  it('names all places and what to do when there is none', async () => {
    await expect(look()).rejects.toThrow(/no `temporal` on the PATH; none in .*genki.temporal\.\n.*TEMPORAL_ADDRESS.*https:\/\/docs\.temporal\.io\/cli.*go install github\.com\/temporalio\/cli/s);
  });
});

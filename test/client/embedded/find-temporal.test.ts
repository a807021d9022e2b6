import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findTemporal } from '../../../client/embedded/find-temporal.ts';
import { onPath, toolCache } from '../../../client/embedded/find-tool.ts';
import { findVersitygw } from '../../../client/embedded/find-versitygw.ts';

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
    place(toolCache('temporal', env), 'temporal');
    expect(await look()).toBe(second);
    expect(await onPath('temporal', { PATH: '' })).toBeUndefined();
  });

  it.each(['temporal', 'temporal-sdk-typescript-1.24.0', 'temporal-v1.5.1'])('takes %s from the cache when the PATH has none', async (name) => {
    place(toolCache('temporal', env), `${name}.downloading`);
    place(toolCache('temporal', env), 'temporal.log', 0o644);
    const cached = place(toolCache('temporal', env), name);
    expect(await look()).toBe(cached);
  });

  it('names all places and what to do when there is none', async () => {
    await expect(look()).rejects.toThrow(/no `temporal` on the PATH; none in .*genki.temporal\.\n.*TEMPORAL_ADDRESS.*https:\/\/docs\.temporal\.io\/cli.*go install github\.com\/temporalio\/cli/s);
  });
});

describe('findVersitygw', () => {
  it('looks on the PATH, then in the cache, and names both and what to do when there is none', async () => {
    const find = (): Promise<string> => findVersitygw({ env, say: () => expect.unreachable('looking is silent'), lookOnly: true });
    await expect(find()).rejects.toThrow(/no `versitygw` on the PATH; none in .*genki.versitygw\.\n.*GENKI_S3_ENDPOINT.*go install github\.com\/versity\/versitygw\/cmd\/versitygw@v1\.7\.0/s);
    const cached = place(toolCache('versitygw', env), 'versitygw');
    expect(await find()).toBe(cached);
    const first = place(join(folder, 'first'), 'versitygw');
    expect(await find()).toBe(first);
  });

  it('builds it with Go into the cache, and says so', async () => {
    const go = place(join(folder, 'first'), 'go');
    writeFileSync(go, '#!/bin/sh\n[ "$1" = install ] && /bin/cp "$0" "$GOBIN/versitygw" && echo "$2" > "$GOBIN/asked"\n');
    const said: string[] = [];
    const built = await findVersitygw({ env, say: (line) => said.push(line) });
    expect(built).toBe(join(toolCache('versitygw', env), 'versitygw'));
    expect(readFileSync(join(toolCache('versitygw', env), 'asked'), 'utf8').trim()).toBe('github.com/versity/versitygw/cmd/versitygw@v1.7.0');
    expect(said).toEqual(['S3 server: building it with Go (once; some minutes)']);
  });
});

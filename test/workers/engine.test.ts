import { homedir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { nativeFolder } from '../../workers/engine.ts';

it.each<[string | undefined, string]>([
  [undefined, join(homedir(), '.cache')],
  ['', join(homedir(), '.cache')],
  ['cache', join(homedir(), '.cache')],
  ['/var/cache', '/var/cache'],
])('loads native code from a folder of this user, with XDG_CACHE_HOME=%s', (cache, folder) => {
  expect(nativeFolder({ XDG_CACHE_HOME: cache })).toBe(join(folder, 'genki', 'native'));
});

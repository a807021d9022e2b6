import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { findMusicFiles } from '../../../client/data/music-files.ts';

let root: string;
beforeEach(async () => { root = await mkdtemp(join(tmpdir(), 'genki-files-')); });
afterEach(() => rm(root, { recursive: true }));

it('follows a link that is named, and none in a folder', async () => {
  await mkdir(join(root, 'songs'));
  await writeFile(join(root, 'songs', 'a.wav'), '');
  await symlink(join(root, 'songs'), join(root, 'music'));
  await symlink(join(root, 'songs', 'a.wav'), join(root, 'songs', 'b.wav'));
  const [a, b] = await findMusicFiles([join(root, 'music')], ['.wav']);
  expect(a).toEqual({ path: join(root, 'music', 'a.wav') });
  expect(b?.problem).toContain('a link');
});

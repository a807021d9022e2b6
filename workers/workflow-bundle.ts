import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger, type WorkflowBundleOption } from '@temporalio/worker';

export type BundleSources = {
  /** The file that exports the workflows. */
  readonly workflowsPath: string;
  /** Files, and folders with all below them, that the bundle is made of. */
  readonly madeOf: readonly string[];
  /** Where it is kept; nothing else is there. */
  readonly folder: string;
};

const fromRoot = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));

/** Genki's own; the versions of packages stand in the last. */
export const BUNDLE_SOURCES: BundleSources = {
  workflowsPath: fromRoot('workflows/index.ts'),
  madeOf: ['workflows', 'genki', 'package.json'].map(fromRoot),
  folder: fromRoot('node_modules/.cache/genki-dama/workflows'),
};

/**
 * The workflows, bundled as a worker takes them. That takes seconds, so the bundle is kept with the installed packages,
 * under the digest of what it is made of; where nothing can be written it is made each time.
 */
export async function workflowBundle({ workflowsPath, madeOf, folder }: BundleSources = BUNDLE_SOURCES): Promise<WorkflowBundleOption> {
  const name = `${await digestOf([workflowsPath, ...madeOf])}.js`;
  const codePath = join(folder, name);
  if (await stat(codePath).then(() => true, () => false)) return { codePath };
  const { code } = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') });
  return await keep(code, { folder, name }).then(() => ({ codePath }), () => ({ code }));
}

/** Whole or not at all, since several may write it at once; in place of all older ones. */
async function keep(code: string, { folder, name }: { folder: string; name: string }): Promise<void> {
  await mkdir(folder, { recursive: true });
  const draft = join(folder, `${name}.${randomUUID()}`);
  await writeFile(draft, code);
  await rename(draft, join(folder, name));
  for (const other of await readdir(folder)) if (!other.startsWith(name)) await rm(join(folder, other), { force: true });
}

/** Of names and contents. */
async function digestOf(paths: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const path of paths) {
    const files = (await stat(path)).isDirectory() ? (await readdir(path, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name)).sort() : [path];
    for (const file of files) hash.update(`${file}\0`).update(await readFile(file)).update('\0');
  }
  return hash.digest('hex');
}

/** Once for all network tests: finds the Temporal server, and bundles the workflows together with those of the tests. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import type { TestProject } from 'vitest/node';
import { findTemporal } from '../../../client/embedded/find-temporal.ts';
import { findVersitygw } from '../../../client/embedded/find-versitygw.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Path of the server's executable. */
    readonly temporal: string;
    /** Path of the bundled workflows. */
    readonly workflowBundle: string;
  }
}

export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'genki-bundle-'));
  const workflowsPath = fileURLToPath(new URL('./workflows.ts', import.meta.url));
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  // built once, which takes longer than any test may; those that need it say so when it is missing
  await findVersitygw({ env: process.env, say }).catch(() => undefined);
  const [temporal, { code }] = await Promise.all([
    findTemporal({ env: process.env, say }),
    bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') }),
  ]);
  const workflowBundle = join(folder, 'workflows.js');
  await writeFile(workflowBundle, code);
  provide('temporal', temporal);
  provide('workflowBundle', workflowBundle);
  return () => rm(folder, { recursive: true, force: true });
}

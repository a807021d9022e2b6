/** Once for all network tests: finds the Temporal server, and bundles the workflows together with those of the tests. */
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';
import { findTemporal } from '../../../client/embedded/find-temporal.ts';
import { findVersitygw } from '../../../client/embedded/find-versitygw.ts';
import { BUNDLE_SOURCES, workflowBundle } from '../../../workers/workflow-bundle.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Path of the server's executable. */
    readonly temporal: string;
    /** Path of the bundled workflows. */
    readonly workflowBundle: string;
  }
}

export default async function setup({ provide }: TestProject): Promise<void> {
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  // built once, which takes longer than any test may; those that need it say so when it is missing
  await findVersitygw({ env: process.env, say }).catch(() => undefined);
  const workflowsPath = fileURLToPath(new URL('./workflows.ts', import.meta.url));
  const [temporal, bundle] = await Promise.all([
    findTemporal({ env: process.env, say }),
    workflowBundle({ ...BUNDLE_SOURCES, workflowsPath, folder: fileURLToPath(new URL('../../../node_modules/.cache/genki-dama/test-workflows', import.meta.url)) }),
    // that of the workers that tests start, which would otherwise all begin by making it
    workflowBundle(),
  ]);
  if (!('codePath' in bundle)) throw new Error('Expected a node_modules that can be written, got one that cannot');
  provide('temporal', temporal);
  provide('workflowBundle', bundle.codePath);
}

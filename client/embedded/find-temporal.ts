import { findTool, type FindOptions, type Tool } from './find-tool.ts';

const TEMPORAL: Tool = {
  name: 'temporal',
  title: 'Temporal server',
  goPackage: 'github.com/temporalio/cli/cmd/temporal@v1.5.1',
  download,
  advice: 'Either set TEMPORAL_ADDRESS to a running one, or install the `temporal` command (https://docs.temporal.io/cli)',
};

/**
 * Path of a `temporal` executable: on the PATH, in the cache, by the SDK's own download, or built by Go.
 * @throws {Error} naming all of these when none works
 */
export const findTemporal = (options: FindOptions): Promise<string> => findTool(TEMPORAL, options);

/** The SDK knows where the server is published; it starts one to check it, so we stop that one at once. */
async function download(cache: string): Promise<void> {
  const { TestWorkflowEnvironment } = await import('@temporalio/testing');
  const server = { executable: { type: 'cached-download', downloadDir: cache, version: 'default' } } as const;
  const started = await TestWorkflowEnvironment.createLocal({ server });
  await started.teardown();
}

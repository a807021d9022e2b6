import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, mkdir, readdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const GO_PACKAGE = 'github.com/temporalio/cli/cmd/temporal@v1.5.1';

/** Where a downloaded or built server is kept, for all projects of this user. */
export const temporalCache = (env: NodeJS.ProcessEnv): string => join(env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'genki', 'temporal');

export type FindOptions = {
  readonly env: NodeJS.ProcessEnv;
  /** Told before each slow step. */
  readonly say: (line: string) => void;
  /** Only look; download and build nothing. */
  readonly lookOnly?: boolean;
};

/**
 * Path of a `temporal` executable: on the PATH, in the cache, by the SDK's own download, or built by Go.
 * @throws {Error} naming all of these when none works
 */
export async function findTemporal({ env, say, lookOnly = false }: FindOptions): Promise<string> {
  const cache = temporalCache(env);
  const found = (await onPath('temporal', env)) ?? (await inCache(cache));
  if (found !== undefined) return found;
  const failures: string[] = ['no `temporal` on the PATH', `none in ${cache}`];
  if (!lookOnly) {
    await mkdir(cache, { recursive: true });
    say('Temporal: downloading the dev server (once)');
    const downloaded = await attempt(() => download(cache), failures, 'download');
    if (downloaded !== undefined) return downloaded;
    const go = await onPath('go', env);
    if (go === undefined) failures.push('no `go` on the PATH to build it with');
    else {
      say('Temporal: building the dev server with Go (once; some minutes)');
      const built = await attempt(() => build(go, cache, env), failures, 'go install');
      if (built !== undefined) return built;
    }
  }
  throw new Error(
    `Expected a Temporal server, found none: ${failures.join('; ')}.\n` +
      'Either set TEMPORAL_ADDRESS to a running one, or install the `temporal` command (https://docs.temporal.io/cli), ' +
      `or install Go and run: go install ${GO_PACKAGE}`,
  );
}

/** The first executable of that name on the PATH. */
export async function onPath(name: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  for (const dir of (env.PATH ?? '').split(delimiter).filter(Boolean)) {
    const file = join(dir, process.platform === 'win32' ? `${name}.exe` : name);
    if (await isExecutable(file)) return file;
  }
  return undefined;
}

async function inCache(cache: string): Promise<string | undefined> {
  const names = await readdir(cache).catch(() => []);
  for (const name of names.filter((entry) => /^temporal(-[^.]*[\d.]+)?(\.exe)?$/.test(entry)).sort()) {
    const file = join(cache, name);
    if (await isExecutable(file)) return file;
  }
  return undefined;
}

/** The SDK knows where the server is published; it starts one to check it, so we stop that one at once. */
async function download(cache: string): Promise<string | undefined> {
  const { TestWorkflowEnvironment } = await import('@temporalio/testing');
  const server = { executable: { type: 'cached-download', downloadDir: cache, version: 'default' } } as const;
  const started = await TestWorkflowEnvironment.createLocal({ server });
  await started.teardown();
  return await inCache(cache);
}

async function build(go: string, cache: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  await run(go, ['install', GO_PACKAGE], { env: { ...env, GOBIN: cache }, maxBuffer: 64 * 2 ** 20 });
  return await inCache(cache);
}

async function attempt(task: () => Promise<string | undefined>, failures: string[], what: string): Promise<string | undefined> {
  try {
    const file = await task();
    if (file === undefined) failures.push(`${what} gave no executable`);
    return file;
  } catch (error) {
    failures.push(`${what} failed: ${(error instanceof Error ? error.message : String(error)).split('\n')[0]}`);
    return undefined;
  }
}

const isExecutable = (file: string): Promise<boolean> => access(file, constants.X_OK).then(() => true, () => false);

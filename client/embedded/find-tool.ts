import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, mkdir, readdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A server that others have written and we start. */
export type Tool = {
  /** Of the command. */
  readonly name: string;
  /** What it is called in messages. */
  readonly title: string;
  /** With its version, as `go install` takes it. */
  readonly goPackage: string;
  /** Fetches it into the cache, where it is published. */
  readonly download?: (cache: string) => Promise<void>;
  /** What a person can do when all ways have failed, besides installing Go. */
  readonly advice: string;
};

export type FindOptions = {
  readonly env: NodeJS.ProcessEnv;
  /** Told before each slow step. */
  readonly say: (line: string) => void;
  /** Only look; download and build nothing. */
  readonly lookOnly?: boolean;
};

/** Where downloaded or built tools are kept, for all projects of this user. */
export const toolCache = (name: string, env: NodeJS.ProcessEnv): string => join(env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'genki', name);

/**
 * Path of an executable: on the PATH, in the cache, by download, or built by Go.
 * @throws {Error} naming all of these when none works
 */
export async function findTool({ name, title, goPackage, download, advice }: Tool, { env, say, lookOnly = false }: FindOptions): Promise<string> {
  const cache = toolCache(name, env);
  const cached = async (): Promise<string | undefined> => await inCache(name, cache);
  const found = (await onPath(name, env)) ?? (await cached());
  if (found !== undefined) return found;
  const failures: string[] = [`no \`${name}\` on the PATH`, `none in ${cache}`];
  const attempt = async (what: string, step: () => Promise<unknown>): Promise<string | undefined> => {
    try {
      await step();
      const file = await cached();
      if (file === undefined) failures.push(`${what} gave no executable`);
      return file;
    } catch (error) {
      failures.push(`${what} failed: ${(error instanceof Error ? error.message : String(error)).split('\n')[0]}`);
      return undefined;
    }
  };
  if (!lookOnly) {
    await mkdir(cache, { recursive: true });
    if (download) {
      say(`${title}: downloading it (once)`);
      const downloaded = await attempt('download', () => download(cache));
      if (downloaded !== undefined) return downloaded;
    }
    const go = await onPath('go', env);
    if (go === undefined) failures.push('no `go` on the PATH to build it with');
    else {
      say(`${title}: building it with Go (once; some minutes)`);
      const built = await attempt('go install', () => run(go, ['install', goPackage], { env: { ...env, GOBIN: cache }, maxBuffer: 64 * 2 ** 20 }));
      if (built !== undefined) return built;
    }
  }
  throw new Error(`Expected the ${title} \`${name}\`, found none: ${failures.join('; ')}.\n${advice}, or install Go and run: go install ${goPackage}`);
}

/** The first executable of that name on the PATH. */
export async function onPath(name: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  for (const dir of (env.PATH ?? '').split(delimiter).filter(Boolean)) {
    const file = join(dir, process.platform === 'win32' ? `${name}.exe` : name);
    if (await isExecutable(file)) return file;
  }
  return undefined;
}

/** Its own name, perhaps with a version; not what is still being downloaded. */
async function inCache(name: string, cache: string): Promise<string | undefined> {
  const mayBe = new RegExp(`^${name}(-[^.]*[\\d.]+)?(\\.exe)?$`);
  const names = await readdir(cache).catch(() => []);
  for (const entry of names.filter((one) => mayBe.test(one)).sort()) {
    const file = join(cache, entry);
    if (await isExecutable(file)) return file;
  }
  return undefined;
}

const isExecutable = (file: string): Promise<boolean> => access(file, constants.X_OK).then(() => true, () => false);

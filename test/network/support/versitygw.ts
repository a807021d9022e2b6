import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { findVersitygw } from '../../../client/embedded/find-versitygw.ts';
import { freePort } from '../../../client/embedded/network.ts';

export const CREDENTIALS = { accessKeyId: 'AKIDGENKITEST', secretAccessKey: 'canary-s3-secret-7f3a' };

// its reminder to upgrade Node
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';

const PATIENCE_MS = 20_000;

/** A real S3 server over a temporary folder, on a free port. */
export class Versitygw {
  readonly endpoint: string;
  /** Its buckets are folders here. */
  readonly folder: string;
  readonly #home: string;
  readonly #command: string;
  #process: ChildProcess | undefined;

  private constructor(endpoint: string, home: string, command: string) {
    this.endpoint = endpoint;
    this.#home = home;
    this.folder = join(home, 'buckets');
    this.#command = command;
  }

  static async start(): Promise<Versitygw> {
    const command = await findVersitygw({ env: process.env, say: (line) => process.stderr.write(`${line}\n`) });
    const home = await mkdtemp(join(tmpdir(), 'genki-s3-'));
    const server = new Versitygw(`http://127.0.0.1:${await freePort(0)}`, home, command);
    await mkdir(server.folder);
    await server.restart();
    return server;
  }

  /** Starts it on the port and the folder that it had. */
  async restart(): Promise<void> {
    const args = ['--quiet', '--access', CREDENTIALS.accessKeyId, '--secret', CREDENTIALS.secretAccessKey, '--port', new URL(this.endpoint).host, 'posix', this.folder];
    const child = spawn(this.#command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let words = '';
    child.stderr.on('data', (chunk: Buffer) => { words += chunk.toString(); });
    this.#process = child;
    for (const end = Date.now() + PATIENCE_MS; !(await this.#answers()); await wait(20)) {
      if (child.exitCode !== null || Date.now() > end) throw new Error(`Expected versitygw at ${this.endpoint}, got nothing: ${words}`);
    }
  }

  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  /** Removes all buckets. */
  async empty(): Promise<void> {
    for (const name of await readdir(this.folder)) await rm(join(this.folder, name), { recursive: true, force: true });
  }

  async stop(): Promise<void> {
    await this.kill();
    await rm(this.#home, { recursive: true, force: true });
  }

  #answers(): Promise<boolean> {
    return fetch(this.endpoint).then(() => true, () => false);
  }
}

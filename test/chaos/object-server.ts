import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { freePort } from '../../client/embedded/network.ts';
import { Supervised } from '../../client/embedded/supervised.ts';

/** A versitygw over a folder of the home, started again when it is killed; this process and its children use it from now on. */
export async function objectServer(home: string, command: string): Promise<Supervised> {
  const port = await freePort(0);
  const dir = join(home, 's3');
  mkdirSync(dir);
  const [access, secret] = ['chaos', randomBytes(16).toString('hex')];
  const url = `http://127.0.0.1:${port}`;
  const answers = async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted && !(await fetch(url).then(() => true, () => false))) await wait(50);
  };
  const server = new Supervised({ name: 'versitygw', command, args: ['--access', access, '--secret', secret, '--port', `127.0.0.1:${port}`, 'posix', dir], logFile: join(home, 'logs', 'versitygw.log'), ready: answers, readyMs: 20_000, stopMs: 5000, maxBackoffMs: 1000 });
  await server.start();
  Object.assign(process.env, { GENKI_S3_ENDPOINT: url, AWS_ACCESS_KEY_ID: access, AWS_SECRET_ACCESS_KEY: secret });
  return server;
}

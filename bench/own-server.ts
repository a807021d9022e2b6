import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort, temporalService } from '../client/embedded/network.ts';
import { Supervised } from '../client/embedded/supervised.ts';

/** Work on an empty Temporal server of its own, as the embedded network starts it. @param command of the server */
export async function onServer<T>(home: string, command: string, work: (address: string) => Promise<T>): Promise<T> {
  await mkdir(join(home, 'logs'), { recursive: true });
  const [port, uiPort] = await Promise.all([freePort(0), freePort(0)]);
  const address = `127.0.0.1:${port}`;
  const server = new Supervised(temporalService(command, { home, address, port, uiPort, namespace: 'default' }));
  try {
    await server.start();
    return await work(address);
  } finally {
    await server.stop();
  }
}

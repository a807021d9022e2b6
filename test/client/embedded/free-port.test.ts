import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { freePort } from '../../../client/embedded/network.ts';

it('gives ports that no outgoing connection takes, each once, and a wanted one as long as nobody has it', async () => {
  const ports = await Promise.all(Array.from({ length: 50 }, () => freePort(0)));
  expect(new Set(ports).size).toBe(50);
  expect(ports.filter((port) => port < 20_000 || port >= 32_768)).toEqual([]);

  const wanted = ports[0]!;
  expect(await freePort(wanted)).toBe(wanted);
  const server = createServer().listen(wanted, '127.0.0.1');
  await once(server, 'listening');
  expect((server.address() as AddressInfo).port).toBe(wanted);
  expect(await freePort(wanted)).not.toBe(wanted);
  server.close();
});

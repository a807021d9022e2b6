import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { doorPort, freePort } from '../../../client/embedded/network.ts';

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

it('gives the hub\'s door the port that a proxy was told of at every start, and says so where somebody has it', async () => {
  const said: string[] = [];
  const of = (env: NodeJS.ProcessEnv, anyPorts = false): Promise<number> => doorPort({ env, anyPorts, say: (line) => void said.push(line) });
  const wanted = await freePort(0);
  const named = { GENKI_HUB_PORT: String(wanted) };
  expect([await of(named), await of(named, true)]).toEqual([wanted, wanted]);
  expect(said).toEqual([]);
  const server = createServer().listen(wanted, '127.0.0.1');
  await once(server, 'listening');
  const other = await of(named);
  expect(said).toEqual([`Port ${wanted} is taken: the hub's door is at 127.0.0.1:${other}.`]);
  server.close();
  await expect(of({ GENKI_HUB_PORT: '70000' })).rejects.toThrow('GENKI_HUB_PORT');
});

import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Chain } from '../../../../genki/chain/chain.ts';
import { createDevChain } from '../../../../genki/chain/local/dev-chain.ts';
import { createLocalChain } from '../../../../genki/chain/local/local-chain.ts';
import type { LocalNode } from '../../../../genki/chain/local/node.ts';
import { serveRpc, type RpcServer } from '../../../../genki/chain/local/rpc-server.ts';
import { commit, miner, produce, setWeights, startNode, validator } from '../support.ts';

let node: LocalNode;
let stop: () => Promise<void>;
let server: RpcServer;
let chain: Chain;
beforeAll(async () => {
  ({ node, stop } = await startNode());
  server = await serveRpc(node, 0);
  chain = createLocalChain({ url: server.url });
});
afterAll(async () => {
  await chain.close();
  await server.close();
  await stop();
});

const post = async (body: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(server.url, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } });
const errorCode = async (request: unknown): Promise<unknown> => {
  const { error } = (await (await post(JSON.stringify(request))).json()) as { error: { code: number } };
  return error.code;
};

describe('the client', () => {
  it('prepares, sends, watches and reads', async () => {
    const extrinsic = await chain.prepare(commit('c0de'), miner);
    await chain.broadcast(extrinsic);
    await chain.broadcast(extrinsic);
    const weights = await chain.prepare(setWeights([0, 1], [1, 2]), validator);
    await chain.broadcast(weights);
    expect(await chain.landing(extrinsic)).toEqual({ kind: 'pending' });
    await produce(node, 12);
    expect([await chain.landing(extrinsic), await chain.landing(weights)]).toMatchObject([{ kind: 'included' }, { kind: 'included', index: 1 }]);
    const head = await chain.head();
    expect(await chain.blockHash(head.number)).toBe(head.hash);
    expect(await chain.metagraph(1, head.hash)).toEqual(node.metagraph(1, head.hash));
    expect(await chain.hyperparameters(1, head.hash)).toEqual(node.hyperparameters(1, head.hash));
    expect([await chain.weightCommits(1, head.hash), await chain.balance(miner.hotkey, head.hash), await chain.beacon(head.hash)]).toEqual([[], '0', undefined]);
    expect(await chain.commitments(1, head.hash)).toEqual([{ hotkey: miner.hotkey, block: 1, indexInBlock: 0, fields: [{ kind: 'raw', data: 'c0de' }], data: 'c0de' }]);
    expect(await chain.weights(1, head.hash)).toEqual([{ hotkey: validator.hotkey, weights: [{ uid: 0, weight: 32768 }, { uid: 1, weight: 65535 }] }]);
  });

  it('raises the errors of the closed list', async () => {
    const long = await chain.prepare(commit('00'.repeat(129)), miner);
    await expect(chain.broadcast(long)).rejects.toMatchObject({ name: 'ExtrinsicRefused', code: 'CommitmentTooLong', message: 'CommitmentTooLong: Expected at most 128 bytes, got 129' });
    await expect(chain.prepare(commit('xx'), miner)).rejects.toMatchObject({ name: 'InvalidInput' });
    await expect(chain.blockHash(1_000_000)).rejects.toMatchObject({ name: 'ChainUnavailable' });
    await expect(chain.metagraph(1, `0x${'0'.repeat(64)}`)).rejects.toMatchObject({ name: 'ChainUnavailable' });
    await expect(chain.metagraph(9, (await chain.head()).hash)).rejects.toMatchObject({ name: 'InvalidInput' });
    await expect(chain.metagraph(1, 'no hash')).rejects.toMatchObject({ name: 'InvalidInput' });
    await expect(chain.landing({ ...long, signer: 'nobody' })).rejects.toMatchObject({ name: 'InvalidInput' });
  });

  it.each([
    ['nobody listens', undefined],
    ['an answer never comes', () => undefined],
    ['the answer is no JSON', (end: (text: string) => void) => end('hello')],
    ['the result is of another shape', (end: (text: string) => void) => end('{"jsonrpc":"2.0","id":1,"result":{"number":-1}}')],
    ['there is no result', (end: (text: string) => void) => end('{"jsonrpc":"2.0","id":1}')],
  ])('says ChainUnavailable when %s', async (_, behave) => {
    const fake = createServer((_request, response) => behave?.((text) => response.end(text)));
    await new Promise<void>((resolve) => fake.listen(0, '127.0.0.1', resolve));
    const { port } = fake.address() as AddressInfo;
    if (!behave) fake.close();
    const lost = createLocalChain({ url: `http://127.0.0.1:${port}`, timeoutMs: 200 });
    await expect(lost.head()).rejects.toMatchObject({ name: 'ChainUnavailable' });
    fake.closeAllConnections();
    fake.close();
  });

  it('answers nothing once closed', async () => {
    const closed = createLocalChain({ url: server.url });
    await closed.close();
    await expect(closed.head()).rejects.toMatchObject({ name: 'ChainUnavailable' });
  });
});

describe('the server', () => {
  const head = { jsonrpc: '2.0', id: 1, method: 'chain_head' };

  it('answers plain JSON-RPC', async () => {
    expect(await (await post(JSON.stringify({ ...head, params: {} }))).json()).toEqual({ jsonrpc: '2.0', id: 1, result: node.head() });
    expect(await (await post(JSON.stringify(head))).json()).toEqual({ jsonrpc: '2.0', id: 1, result: node.head() });
  });

  it.each([
    ['an unknown method', { ...head, method: 'chain_reset' }, -32601],
    ['an inherited name', { ...head, method: 'constructor' }, -32601],
    ['an unknown parameter', { ...head, params: { now: true } }, -32602],
    ['a wrong type', { ...head, method: 'chain_blockHash', params: { number: '1' } }, -32602],
    ['a missing parameter', { ...head, method: 'chain_blockHash' }, -32602],
    ['an unknown field', { ...head, extra: 1 }, -32600],
    ['another version', { ...head, jsonrpc: '1.0' }, -32600],
    ['a batch', [head], -32600],
    ['a batch of nothing', [], -32600],
    ['a method for tests', { ...head, method: 'dev_produceBlock', params: { count: 1 } }, -32601],
    ['null', null, -32600],
  ])('refuses %s', async (_, request, code) => {
    expect(await errorCode(request)).toBe(code);
  });

  it('refuses a body that is no JSON or longer than 256 KiB', async () => {
    expect(await (await post('{')).json()).toMatchObject({ error: { code: -32700 } });
    expect(await (await post('['.repeat(200_000))).json()).toMatchObject({ error: { code: -32700 } });
    expect(await (await post(`${'['.repeat(100_000)}${']'.repeat(100_000)}`)).json()).toMatchObject({ error: { code: -32600, message: 'Expected one request, got a batch' } });
    expect((await post(' '.repeat(256 * 1024 + 1))).status).toBe(413);
    expect((await post(JSON.stringify(head).padEnd(256 * 1024))).status).toBe(200);
  });

  it('refuses other verbs, other content and renamed hosts', async () => {
    expect((await fetch(server.url)).status).toBe(405);
    expect((await post(JSON.stringify(head), { 'content-type': 'text/plain' })).status).toBe(415);
    const status = await new Promise((resolve) => {
      request(server.url, { method: 'POST', headers: { host: 'evil.example', 'content-type': 'application/json' } }, (response) => resolve(response.statusCode)).end('{}');
    });
    expect(status).toBe(403);
  });

  it('closes on whoever sends no whole request in time, and on more than it has places for', async () => {
    const small = await serveRpc(node, 0, { maxConnections: 3, requestMs: 100 });
    const { port } = new URL(small.url);
    const slow = ['', 'POST / HTTP/1.1\r\nhost: localhost\r\n', 'POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n{'].map((bytes) => {
      const socket = connect(Number(port), '127.0.0.1');
      socket.on('error', () => undefined).resume();
      if (bytes) socket.write(bytes);
      return socket;
    });
    await Promise.all(slow.map((socket) => once(socket, 'connect')));
    const crowded = createLocalChain(small);
    await expect(crowded.head()).rejects.toMatchObject({ name: 'ChainUnavailable' });
    await Promise.all(slow.slice(1).map((socket) => once(socket, 'close')));
    expect(await crowded.head()).toEqual(node.head());
    for (const socket of slow) socket.destroy();
    await small.close();
  });

  it('listens on the loopback only', () => {
    expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  });
});

describe('the controls of a test', () => {
  it('make blocks, drop them, and lose what waits', async () => {
    const other = await startNode();
    const served = await serveRpc(other.node, 0, { dev: true });
    const [blocks, dev] = [createLocalChain(served), createDevChain(served)];
    expect((await dev.produceBlocks(5)).number).toBe(5);
    expect((await blocks.head()).number).toBe(3);
    await blocks.broadcast(await blocks.prepare(commit('aa'), miner));
    expect(await dev.dropPool()).toBe(1);
    await dev.dropNext();
    await blocks.broadcast(await blocks.prepare(commit('bb'), miner));
    expect(await dev.dropPool()).toBe(0);
    expect((await dev.reorganise(2)).number).toBe(3);
    await expect(dev.reorganise(1)).rejects.toMatchObject({ name: 'InvalidInput', message: expect.stringContaining('since 3 is final') as string });
    await expect(dev.produceBlocks(0)).rejects.toMatchObject({ name: 'InvalidInput' });
    await expect(createDevChain(server).produceBlocks(1)).rejects.toMatchObject({ name: 'ChainUnavailable' });
    await served.close();
    await other.stop();
  });
});

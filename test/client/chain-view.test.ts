import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { showChain, showCommitments, showMetagraph, showWeights } from '../../client/commands/chain-view.ts';
import { serveRpc, type RpcServer } from '../../genki/chain/local/rpc-server.ts';
import { land, miner, setWeights, startNode, stranger, validator } from '../genki/chain/support.ts';

const home = mkdtempSync(join(tmpdir(), 'genki-chain-view-'));
let stop: () => Promise<void>;
let server: RpcServer;
beforeAll(async () => {
  const neuron = (hotkey: string, stake: string, validatorPermit: boolean) => ({ hotkey, coldkey: stranger.hotkey, stake, validatorPermit });
  const started = await startNode({ tempo: 50, neurons: [neuron(validator.hotkey, '5000000000', true), neuron(miner.hotkey, '0', false)] });
  server = await serveRpc(started.node, 0);
  stop = started.stop;
  await land(started.node, setWeights([0, 1], [100, 300]), validator);
  await land(started.node, { kind: 'setCommitment', netuid: 1, fields: [{ kind: 'raw', data: Buffer.from('genki:1').toString('hex') }, { kind: 'sha256', data: '07'.repeat(32) }] }, miner);
  await land(started.node, { kind: 'serveAxon', netuid: 1, ip: '192.0.2.7', port: 8091, protocol: 4, version: 1 }, miner);
});
afterAll(async () => {
  await server.close();
  await stop();
  rmSync(home, { recursive: true, force: true });
});

type Show = typeof showChain;

async function said(show: Show, options: { netuid?: number; json: boolean }, env: NodeJS.ProcessEnv = { GENKI_CHAIN: server.url }): Promise<string> {
  let out = '';
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => ((out += String(chunk)), true));
  try {
    await show({ netuid: 1, ...options }, { GENKI_HOME: home, ...env });
  } finally {
    write.mockRestore();
  }
  return out;
}

const rowsOf = (text: string): string[][] => text.split('\n').filter((line) => line !== '').map((line) => line.trim().split(/ {2,}/));

it('shows the head, and the subnet\'s clock and rules', async () => {
  const text = await said(showChain, { json: false });
  expect(text).toMatch(/^Block \d+ 0x[0-9a-f]{64}$/m);
  expect(text).toContain('2 of 256 neurons, 1 with a permit');
  expect(text).toMatch(/^Epoch 0 since block 0, the next in block 50, one each 50$/m);
  expect(JSON.parse(await said(showChain, { json: true }))).toMatchObject({ netuid: 1, tempo: 50, neurons: 2, rules: { maxNeurons: 256 }, beacon: null, endpoints: [] });
});

it('shows every neuron, and where it is reached', async () => {
  const [, , first, second] = rowsOf(await said(showMetagraph, { json: false }));
  expect(first).toEqual(['0', validator.hotkey, '5', 'yes', '0.00%', '0.00%', '0', expect.any(String), '0', '–']);
  expect(second).toEqual(['1', miner.hotkey, '0', '–', '0.00%', '0.00%', '0', '0', '0', '192.0.2.7:8091']);
  expect(JSON.parse(await said(showMetagraph, { json: true }))).toMatchObject({ neurons: [{ uid: 0 }, { uid: 1, axon: { port: 8091 } }] });
});

it('shows commitments as text where they are some', async () => {
  expect(rowsOf(await said(showCommitments, { json: false }))[1]).toEqual([expect.stringMatching(/^\d+$/), '0', miner.hotkey, `genki:1 sha256:${'07'.repeat(32)}`]);
});

it('shows weights as shares, the largest first', async () => {
  expect(rowsOf(await said(showWeights, { json: false }))[1]!.slice(2)).toEqual([`${miner.hotkey} 75.0%, ${validator.hotkey} 25.0%`]);
});

it('says what is missing or wrong', async () => {
  await expect(said(showChain, { json: false }, {})).rejects.toThrow('Expected a chain: GENKI_CHAIN, or');
  await expect(showChain({ json: false }, { GENKI_HOME: home, GENKI_CHAIN: server.url })).rejects.toThrow('Expected --netuid');
  await expect(said(showMetagraph, { netuid: 9, json: false })).rejects.toThrow('Expected subnet 1, got 9');
  await expect(said(showMetagraph, { json: false }, { GENKI_CHAIN: 'http://127.0.0.1:9' })).rejects.toMatchObject({ name: 'ChainUnavailable' });
});

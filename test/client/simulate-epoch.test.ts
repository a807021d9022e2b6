import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { simulateNextEpoch } from '../../client/commands/simulate-epoch.ts';
import { serveRpc, type RpcServer } from '../../genki/chain/local/rpc-server.ts';
import { land, miner, setWeights, startNode, stranger, validator } from '../genki/chain/support.ts';

const home = mkdtempSync(join(tmpdir(), 'genki-simulate-'));
let stop: () => Promise<void>;
let server: RpcServer;
beforeAll(async () => {
  const neuron = (hotkey: string, stake: string, validatorPermit: boolean) => ({ hotkey, coldkey: stranger.hotkey, stake, validatorPermit });
  const started = await startNode({ tempo: 50, neurons: [neuron(validator.hotkey, '5000000000', true), neuron(miner.hotkey, '0', false), neuron(stranger.hotkey, '0', false)] });
  server = await serveRpc(started.node, 0);
  stop = started.stop;
  await land(started.node, setWeights([1], [65535]), validator);
});
afterAll(async () => {
  await server.close();
  await stop();
  rmSync(home, { recursive: true, force: true });
});

/** What the command says of the chain that is up. */
async function said(options: { hotkey?: string; weights?: string; mechanism?: number; json: boolean }): Promise<string> {
  let out = '';
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => ((out += String(chunk)), true));
  try {
    await simulateNextEpoch({ mechanism: 0, netuid: 1, ...options }, { GENKI_HOME: home, GENKI_CHAIN: server.url, TEMPORAL_ADDRESS: '127.0.0.1:1' });
  } finally {
    write.mockRestore();
  }
  return out;
}

it('says what the next epoch gives', async () => {
  const { block, neurons } = JSON.parse(await said({ json: true })) as { block: number; neurons: { before: unknown; after: { incentive: number[]; emission: string } }[] };
  expect(block).toBe(50);
  expect(neurons.map(({ after }) => [after.incentive[0], after.emission])).toEqual([[0, '500000000'], [65535, '500000000'], [0, '0']]);
  expect(neurons.map(({ before }) => before)).toEqual(neurons.map(({ after }) => after));
});

it('says what other weights would change', async () => {
  const text = await said({ hotkey: validator.hotkey, weights: `{"1":1,"${stranger.hotkey}":3}`, json: false });
  expect(text).toContain('Epoch 1 of subnet 1, in block 50, as it stands in block 1, and with the other weights');
  const rows = text.split('\n').slice(2, 5).map((line) => line.trim().split(/ {2,}/).filter((_, i) => i !== 1));
  expect(rows).toEqual([
    ['0', '0.00%', '100.00%', '0.500000', 'keeps'],
    ['1', '100.00% → 25.00%', '0.00%', '0.500000 → 0.125000', '–'],
    ['2', '0.00% → 75.00%', '0.00%', '0.000000 → 0.375000', '–'],
  ]);
});

it.each([
  [{ hotkey: '0' }, 'Expected both a hotkey and its weights'],
  [{ hotkey: '9', weights: '{}' }, 'Expected a uid, a hotkey or a name in subnet 1, got "9"'],
  [{ hotkey: '5e'.repeat(32), weights: '{}' }, 'got what may be a secret'],
  [{ hotkey: '0', weights: '{"1":-1}' }, 'Expected weights such as'],
  [{ hotkey: '0', weights: '{"1":1}', mechanism: 1 }, 'Expected a mechanism below 1, got 1'],
])('refuses %j', async (options, message) => {
  await expect(said({ ...options, json: true })).rejects.toThrow(message);
});

import { afterEach, describe, expect, it } from 'vitest';
import { followFinalized } from '../../genki/chain/follow.ts';
import { createSubtensorChain, type SubtensorChain, type SubtensorOptions } from '../../genki/chain/subtensor/subtensor-chain.ts';
import { conformanceGenesis, conformanceRoles } from '../chain/conformance/local-network.ts';
import { RULES } from '../chain/conformance/network.ts';
import { secret } from '../genki/chain/support.ts';
import { startNode, type SubtensorNode } from '../support/subtensor-node/node-server.ts';
import { WireChain } from '../support/subtensor-node/wire-chain.ts';
import { wireRuntime } from '../support/subtensor-node/wire-runtime.ts';

const undo: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

const [miner] = conformanceRoles.miners;
const commit = { kind: 'setCommitment', netuid: 1, fields: [{ kind: 'raw', data: '01' }] } as const;

function wireChain(): WireChain {
  const chain = new WireChain({ genesis: conformanceGenesis(RULES, 'stateful'), secret, runtime: wireRuntime() });
  chain.produceBlocks(5);
  return chain;
}

async function nodeOf(chain: WireChain): Promise<SubtensorNode> {
  const node = await startNode(chain);
  undo.push(() => node.close());
  return node;
}

/** A client that waits no longer than metadata take to be read, which it does in the same process. */
function clientOf(nodes: readonly SubtensorNode[], options: Partial<SubtensorOptions> = {}): SubtensorChain {
  const chain = createSubtensorChain({ endpoints: nodes.map(({ url }) => url), timeoutMs: 3000, backoffMs: 640, jitter: () => 0, ...options });
  undo.push(() => chain.close());
  return chain;
}

describe('a connection to a subtensor chain', () => {
  it('goes on with the next node where one goes away, and passes over no block', async () => {
    const wire = wireChain();
    const nodes = [await nodeOf(wire), await nodeOf(wire)];
    const chain = clientOf(nodes);
    const stop = new AbortController();
    const seen: number[] = [];
    const following = (async () => {
      for await (const { number, hash } of followFinalized(chain, 1, stop.signal)) {
        expect(hash).toBe(wire.block(number)!.hash);
        seen.push(number);
        if (number === wire.finalized.header.number && number >= 18) stop.abort();
      }
    })();
    await expect.poll(() => seen.length).toBeGreaterThan(2);
    await nodes[0]!.close();
    wire.produceBlocks(10);
    await expect.poll(() => seen.at(-1), { timeout: 20_000 }).toBe(wire.finalized.header.number);
    expect(chain.health()).toMatchObject([{ inUse: false, problem: expect.any(String) as string }, { inUse: true, problem: undefined }]);
    await nodes[0]!.listen();
    await nodes[1]!.close();
    wire.produceBlocks(6);
    await following;
    expect(seen).toEqual(Array.from({ length: seen.at(-1)! }, (_, i) => i + 1));
    expect(seen.at(-1)).toBeGreaterThanOrEqual(18);
  });

  it('leaves a node that does not answer, and says so where there is no other', async () => {
    const wire = wireChain();
    const [deaf, good] = [await nodeOf(wire), await nodeOf(wire)];
    const [both, alone] = [clientOf([deaf, good]), clientOf([deaf])];
    await Promise.all([both.head(), alone.head()]);
    deaf.faults.set({ kind: 'hang' });
    const { hash } = await both.head();
    expect((await both.metagraph(1, hash)).neurons.length).toBeGreaterThan(0);
    await expect(alone.head()).rejects.toMatchObject({ name: 'ChainUnavailable', message: expect.stringContaining(deaf.url) as string });
    deaf.faults.clear();
    await expect.poll(() => alone.head().catch(() => undefined), { timeout: 20_000 }).toMatchObject({ hash });
  });

  it('takes no node of another chain, none that is far behind, and none that is not there', async () => {
    const wire = wireChain();
    const other = new WireChain({ genesis: { ...conformanceGenesis(RULES, 'stateful'), netuid: 7 }, secret, runtime: wireRuntime() });
    const [good, foreign, late] = [await nodeOf(wire), await nodeOf(other), await nodeOf(wire)];
    const gone = await nodeOf(wire);
    await gone.close();
    wire.produceBlocks(60);
    late.view.lag = 50;
    const chain = clientOf([good, foreign, late, gone]);
    const head = await chain.head();
    await good.close();
    await expect(chain.head()).rejects.toMatchObject({ name: 'ChainUnavailable' });
    const problems = Object.fromEntries(chain.health().map(({ url, problem }) => [url, problem]));
    expect(problems[foreign.url]).toMatch(/another chain/);
    expect(problems[late.url]).toMatch(/blocks behind/);
    expect(problems[gone.url]).toMatch(/ECONNREFUSED/);
    await good.listen();
    await expect.poll(() => chain.head().catch(() => undefined), { timeout: 20_000 }).toEqual(head);
  });

  it('bears garbage, answers twice and out of order', async () => {
    const wire = wireChain();
    const node = await nodeOf(wire);
    const chain = clientOf([node]);
    const { hash } = await chain.head();
    const read = () => Promise.all([chain.metagraph(1, hash), chain.weights(1, hash), chain.hyperparameters(1, hash), chain.commitments(1, hash)]);
    const before = await read();
    node.faults.set({ kind: 'garbage' });
    expect(await read()).toEqual(before);
    node.faults.clear();
    node.faults.set({ kind: 'duplicate' });
    expect(await read()).toEqual(before);
    node.faults.clear();
    node.faults.set({ kind: 'reorder', count: 2 });
    const later = read();
    const timer = setInterval(() => node.faults.clear(), 50);
    expect(await later).toEqual(before);
    clearInterval(timer);
  });

  it('asks the archive for what the others have forgotten', async () => {
    const wire = wireChain();
    const node = await nodeOf(wire);
    const plain = clientOf([node]);
    const old = await plain.blockHash(2);
    const then = await plain.metagraph(1, old);
    // of the same blocks, with all their states
    const archive = await nodeOf(wire);
    const withArchive = clientOf([node], { archive: archive.url });
    await withArchive.head();
    node.faults.set({ kind: 'error', code: 4003, message: 'Client error: UnknownBlock: State already discarded for the block' }, { methods: /^state_/ });
    await expect(plain.metagraph(1, old)).rejects.toMatchObject({ name: 'ChainUnavailable', message: expect.stringMatching(/archive/) as string });
    expect(await withArchive.metagraph(1, old)).toEqual(then);
  });

  it('goes along with a new runtime, and what was signed for the old one is refused as such', async () => {
    const wire = wireChain();
    const chain = clientOf([await nodeOf(wire)]);
    const before = await chain.prepare(commit, miner);
    wire.upgrade(wireRuntime({ specVersion: 425, palletIndex: { SubtensorModule: 207 } }));
    wire.produceBlocks(4);
    await expect(chain.broadcast(before)).rejects.toMatchObject({ name: 'ExtrinsicRefused', code: expect.stringMatching(/BadProof|BadFormat/) as string });
    let landing = 'pending';
    await expect.poll(async () => {
      const again = await chain.prepare(commit, miner);
      return await chain.broadcast(again).then(() => again, () => undefined);
    }, { timeout: 20_000 }).toBeDefined();
    const sent = await chain.prepare({ ...commit, fields: [{ kind: 'raw', data: '02' }] }, miner);
    await chain.broadcast(sent);
    wire.produceBlocks(4);
    ({ kind: landing } = await chain.landing(sent));
    expect(landing).toBe('included');
    expect(await chain.metagraph(1, await chain.blockHash(2))).toMatchObject({ at: { number: 2 } });
  });

  it('ends for good, and asks for nothing after', async () => {
    const wire = wireChain();
    const node = await nodeOf(wire);
    const chain = clientOf([node]);
    await chain.head();
    await chain.close();
    const asked = [...node.calls.values()].reduce((sum, n) => sum + n, 0);
    await expect(chain.head()).rejects.toMatchObject({ name: 'ChainUnavailable' });
    wire.produceBlocks(3);
    expect([...node.calls.values()].reduce((sum, n) => sum + n, 0)).toBe(asked);
  });
});

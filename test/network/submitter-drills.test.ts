import { setTimeout as wait } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSubmitActivities, type SubmissionOutcome } from '../../activities/submit.ts';
import { createWalletActivities, type Effect } from '../../activities/wallet.ts';
import type { Chain, Signer } from '../../genki/chain/chain.ts';
import { createSigner } from '../../genki/chain/keys.ts';
import { createDevChain, type DevChain } from '../../genki/chain/local/dev-chain.ts';
import { decodeExtrinsic } from '../../genki/chain/local/extrinsic.ts';
import { defaultGenesis } from '../../genki/chain/local/genesis.ts';
import { createLocalChain } from '../../genki/chain/local/local-chain.ts';
import { Random } from '../../genki/protocol/random.ts';
import type { SubmitterState } from '../../workflows/chain-submitter.ts';
import { CPU_QUEUE, walletQueue, WORKFLOW_QUEUE } from '../../workflows/queues.ts';
import { extrinsicsOf } from '../support/blocks.ts';
import { DoubtfulNode } from './support/doubtful-node.ts';
import { BLOCK_MS, TestNetwork, until } from './support/network.ts';
import type { asker } from './support/workflows.ts';

const owner = createSigner('//owner');
const signers = { forgets: createSigner('//forgets'), expires: createSigner('//expires'), shared: createSigner('//shared'), lies: createSigner('//lies'), lags: createSigner('//lags'), hangs: createSigner('//hangs') };
const forked = [0, 1, 2, 3].map((i) => createSigner(`//forked//${i}`));

let network: TestNetwork;
let chain: Chain;
let dev: DevChain;
let url: string;
let journal: string;

beforeAll(async () => {
  network = await TestNetwork.start();
  const neurons = [...Object.values(signers), ...forked].map(({ hotkey }) => ({ hotkey, coldkey: owner.hotkey, stake: '0', validatorPermit: false }));
  ({ chain, url, journal } = await network.startChain(defaultGenesis({ owner: owner.hotkey, tempo: 50_000, neurons })));
  dev = createDevChain({ url });
  network.also(() => dev.close());
  await network.work({ taskQueue: CPU_QUEUE, activities: createSubmitActivities({ workflowQueue: WORKFLOW_QUEUE }) });
});
afterAll(() => network?.stop());

/** A wallet whose chain is a node that may say what is not so. */
async function wallet(signer: Signer): Promise<DoubtfulNode> {
  const node = await DoubtfulNode.start(url);
  const own = createLocalChain({ url: node.url });
  network.also(() => node.close());
  network.also(() => own.close());
  await network.work({ taskQueue: walletQueue(signer.hotkey), activities: createWalletActivities({ chain: own, signer, blockMs: BLOCK_MS }), maxConcurrentActivityTaskExecutions: 1, maxConcurrentActivityTaskPolls: 1 });
  return node;
}

let asked = 0;
const ask = ({ hotkey }: Signer, data: string): Promise<WorkflowHandle<typeof asker>> => {
  const effect: Effect = { kind: 'commitment', netuid: 1, data };
  return network.client.workflow.start<typeof asker>('asker', { workflowId: `asker/${asked++}`, taskQueue: WORKFLOW_QUEUE, args: [{ hotkey, key: data, effect }] });
};
const outcomeOf = async (signer: Signer, data: string): Promise<Extract<SubmissionOutcome, { kind: 'landed' }>> => {
  const outcome = await (await ask(signer, data)).result();
  if (outcome.kind !== 'landed') throw new Error(`Expected ${data} to land, got ${JSON.stringify(outcome)}`);
  return outcome;
};
const stateOf = ({ hotkey }: Signer): Promise<SubmitterState> => network.client.workflow.getHandle(`chain/${hotkey}`).query<SubmitterState>('state');
const committedBy = async ({ hotkey }: Signer): Promise<string | undefined> => (await chain.commitments(1, (await chain.head()).hash)).find((c) => c.hotkey === hotkey)?.data;
const inBlocks = ({ hotkey }: Signer): string[] => extrinsicsOf(journal, hotkey);

/** One extrinsic of this signer in the chain, the one that the submitter tells of, and its effect. */
async function expectOnce(signer: Signer, { extrinsic }: { readonly extrinsic?: string }, data: string): Promise<void> {
  expect(inBlocks(signer)).toEqual([extrinsic]);
  expect(await committedBy(signer)).toBe(data);
}

describe.concurrent('chainSubmitter lands an effect once', () => {
  it('when the node acknowledges the extrinsic and forgets it', async () => {
    const node = await wallet(signers.forgets);
    let forgotten = 0;
    node.doubt = (method, _, tell) => (method === 'chain_submit' && forgotten++ < 3 ? Promise.resolve(null) : tell());
    const outcome = await outcomeOf(signers.forgets, '01');
    expect(forgotten).toBe(4);
    await expectOnce(signers.forgets, outcome, '01');
  });

  it('when the era is over before the extrinsic comes through, and its bytes come late', async () => {
    const signer = signers.expires;
    const node = await wallet(signer);
    const withheld: string[] = [];
    node.doubt = async (method, { hex }, tell) => {
      const isFirst = method === 'chain_submit' && (withheld.length === 0 || withheld[0] === hex);
      if (!isFirst) return await tell();
      withheld.push(String(hex));
      return null;
    };
    const outcome = await outcomeOf(signer, '02');
    const first = decodeExtrinsic(withheld[0]!);
    expect(outcome.block).toBeGreaterThan(first.diesAt);
    await expect(chain.broadcast(first)).rejects.toThrow(/AncientBirthBlock|Stale/);
    await expectOnce(signer, outcome, '02');
    expect(await stateOf(signer)).toMatchObject({ strangers: 0 });
  });

  it('when another program took its nonce, and says so', async () => {
    const signer = signers.shared;
    const node = await wallet(signer);
    let stranger: string | undefined;
    node.doubt = async (method, _, tell) => {
      if (method === 'chain_submit' && stranger === undefined) {
        const theirs = await chain.prepare({ kind: 'setCommitment', netuid: 1, fields: [{ kind: 'raw', data: 'ee' }] }, signer);
        stranger = theirs.hash;
        await chain.broadcast(theirs);
        await until('their extrinsic to be final', async () => (await chain.landing(theirs)).kind === 'included');
      }
      return await tell();
    };
    const outcome = await outcomeOf(signer, '03');
    expect(inBlocks(signer)).toEqual([stranger, outcome.extrinsic]);
    expect(await committedBy(signer)).toBe('03');
    expect(await stateOf(signer)).toMatchObject({ strangers: 1 });
  });

  it('when the node says that it is in a block and it is not', async () => {
    const signer = signers.lies;
    const node = await wallet(signer);
    let lies = 0;
    node.doubt = async (method, _, tell) => {
      if (lies >= 3) return await tell();
      if (method === 'chain_submit') return null;
      if (method !== 'chain_landing') return await tell();
      lies++;
      return { kind: 'included', block: await chain.head(), index: 0 };
    };
    const outcome = await outcomeOf(signer, '04');
    expect(lies).toBe(3);
    await expectOnce(signer, outcome, '04');
  });

  it('when the node falls behind what the submitter knows already', async () => {
    const signer = signers.lags;
    const node = await wallet(signer);
    const first = await outcomeOf(signer, '05');
    const behind = { number: 0, hash: await chain.blockHash(0) };
    let asks = 0;
    let tooSoon = false;
    node.doubt = async (method, _, tell) => {
      if (method === 'chain_head' && asks++ < 4) return behind;
      tooSoon ||= method === 'chain_submit' && asks < 4;
      return await tell();
    };
    const second = await outcomeOf(signer, '06');
    expect(asks).toBeGreaterThan(4);
    expect(tooSoon).toBe(false);
    expect(inBlocks(signer)).toEqual([first.extrinsic, second.extrinsic]);
    // and from behind it does not sign again what has landed
    asks = 0;
    expect(await (await ask(signer, '06')).result()).toEqual(second);
    expect(inBlocks(signer)).toHaveLength(2);
  });

  it('over a line that breaks at every fourth question', async () => {
    const signer = signers.hangs;
    const node = await wallet(signer);
    const random = new Random('a bad line');
    let broken = 0;
    node.doubt = async (_method, _params, tell) => {
      const fate = random.int(8);
      if (fate > 1) return await tell();
      // the question was heard, or not; its answer is lost
      if (fate === 1) await tell();
      broken++;
      throw new Error('the line broke');
    };
    const data = ['07', '08'];
    const outcomes = [];
    for (const one of data) outcomes.push(await outcomeOf(signer, one));
    expect(broken).toBeGreaterThan(2);
    expect(inBlocks(signer)).toEqual(outcomes.map(({ extrinsic }) => extrinsic));
    expect(await committedBy(signer)).toBe('08');
  });
});

describe('chainSubmitter on a chain that reorganises', () => {
  it('lands each effect once, in a block that stayed', async () => {
    await Promise.all(forked.map(wallet));
    const random = new Random('forks');
    let isOver = false;
    let forks = 0;
    const forking = (async () => {
      while (!isOver) {
        await wait(BLOCK_MS * (1 + random.int(4)));
        await dev.reorganise(1 + random.int(2)).then(() => forks++, () => undefined);
      }
    })();
    const data = ['a0', 'a1', 'a2'];
    const all = await Promise.all(forked.map(async (signer) => { const outcomes = []; for (const one of data) outcomes.push(await outcomeOf(signer, one)); return outcomes; }));
    isOver = true;
    await forking;
    expect(forks).toBeGreaterThan(5);
    for (const [i, signer] of forked.entries()) {
      expect(inBlocks(signer)).toEqual(all[i]!.map(({ extrinsic }) => extrinsic));
      expect(await committedBy(signer)).toBe('a2');
    }
  });
});

describe('the histories of these drills', () => {
  it('replay, all of them', async () => {
    expect(await network.notReplayable()).toEqual([]);
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Participant } from '../../activities/participants.ts';
import { createRoundActivities, type Round } from '../../activities/round.ts';
import { readRoster, type NotEvaluated } from '../../activities/roster.ts';
import { InvalidInput } from '../../genki/errors.ts';
import type { RoundReport } from '../../genki/evaluation/round-report.ts';
import { encodeCommitRecord } from '../../genki/protocol/commit-record.ts';
import type { Dama } from '../../genki/protocol/dama.ts';
import { sha256Hex } from '../../genki/protocol/digests.ts';
import { manifestCommit, manifestHash, manifestKey, signManifest } from '../../genki/protocol/manifest.ts';
import { seedOf } from '../../genki/protocol/seeds.ts';
import { owner, signed } from '../genki/chain/support.ts';
import { actor, BLOCK_MS, competition, keepDama, openShelf, openStreet, participant, textOf, type Actor, type Shelf, type Street } from './support/federation.ts';
import { lay } from './support/hand-in.ts';
import { inActivity } from './support/in-activity.ts';
import { reportKey, standFor } from './support/stand-for.ts';

const TAO = 10n ** 9n;
const [big, small] = ['validator-1', 'validator-2'].map(actor) as [Actor, Actor];
const names = ['late', 'early', 'second', 'silent', 'long', 'six', 'bytes', 'elsewhere', 'recent'] as const;
const miners = Object.fromEntries(names.map((name) => [name, actor(name)])) as Record<(typeof names)[number], Actor>;
const everybody: Participant[] = [participant(big, 'validator'), participant(small, 'validator'), participant(miners.early, 'miner')];

let shelf: Shelf;
beforeAll(async () => { shelf = await openShelf(); });
afterAll(() => shelf.remove());

const activities = (street: Street, more: { defaultHotkey?: string } = {}) =>
  createRoundActivities({ chain: street.chain, store: shelf.store, deployment: shelf.deployment, participants: async () => everybody, defaultHotkey: more.defaultHotkey });
const record = (name: string, id = competition.id): string => encodeCommitRecord({ namespace: 'local', name, commit: 'c'.repeat(40), hash: 'h'.repeat(43), competition: id });
const hex = (bytes: Uint8Array | string): string => Buffer.from(bytes).toString('hex');

/** Miners commit in blocks 1 to 7; the snapshot is block 8, its seeds are made of blocks 8 to 12. */
async function commitAll(street: Street): Promise<void> {
  const { say, blocks } = street;
  // in one block: who was sent first is first, whatever the hotkeys
  say(miners.early, record('early'));
  say(miners.second, record('second'));
  await blocks(1);
  say(miners.long, hex(`local:${'a'.repeat(28)}:${'c'.repeat(40)}:${'h'.repeat(44)}:rubynano`));
  say(miners.six, hex('local:six:a:b:rn:x'));
  say(miners.bytes, hex(Buffer.of(0xff, 0x3a, 0xfe)));
  say(miners.elsewhere, record('elsewhere', 'zz\u001b[2J'));
  say(owner, record('owner'));
  say(big, record('validator-1'));
  await blocks(3);
  say(miners.late, record('late'));
  await blocks(2);
  say(miners.recent, record('recent'));
  await blocks(1);
}

const open = async (settings = {}): Promise<Street> => {
  const ownerAsMiner = { ...owner, name: 'owner' };
  const street = await openStreet({ validators: [[big, 3n * TAO], [small, TAO]], miners: [ownerAsMiner, ...Object.values(miners)] }, { commitmentBytes: 512, ...settings });
  await commitAll(street);
  return street;
};

describe('a round', () => {
  let street: Street;
  let round: Round;
  let others: readonly NotEvaluated[];
  beforeAll(async () => {
    street = await open();
    // 8 blocks with the snapshot, 4 for the seeds, 2 until they are final
    await street.blocks(7);
    round = await activities(street).resolveRound({});
    others = await readRoster(shelf.store, round.others.roster);
  });
  afterAll(() => street.stop());

  it('has the submissions in commit order', () => {
    expect(round.submissions).toEqual([
      { hotkey: miners.early.hotkey, registeredAt: 0, commitBlock: 1, commitIndex: 0, data: record('early') },
      { hotkey: miners.second.hotkey, registeredAt: 0, commitBlock: 1, commitIndex: 1, data: record('second') },
      { hotkey: miners.late.hotkey, registeredAt: 0, commitBlock: 5, commitIndex: 0, data: record('late') },
    ]);
  });

  it('has a line with a reason for every other miner', () => {
    const lines = Object.fromEntries(others.map(({ hotkey, verdict, reason, commitBlock }) => [names.find((name) => miners[name].hotkey === hotkey), [verdict, reason, commitBlock]]));
    expect(lines).toEqual({
      long: ['rejected', 'no valid commitment: expected at most 128 bytes, got "129"', 2],
      six: ['rejected', 'no valid commitment: expected five fields, got "6"', 2],
      bytes: ['rejected', 'no valid commitment: expected UTF-8, got "other bytes"', 2],
      elsewhere: ['rejected', 'committed to the competition zz?[2J, this one is rn', 2],
      recent: ['unavailable', 'committed 1 blocks before the snapshot, 3 are needed: the next round looks at it', 7],
      silent: ['absent', 'registered, but has committed nothing', null],
    });
  });

  it('leaves out validators and the owner, although they have committed', () => {
    const all = [...round.submissions, ...others].map(({ hotkey }) => hotkey);
    expect(new Set(all)).toEqual(new Set(Object.values(miners).map(({ hotkey }) => hotkey)));
    expect(all).toHaveLength(names.length);
  });

  it('draws each seed from the blocks from the snapshot on, the competition and a label', async () => {
    const blockHashes = await Promise.all([8, 9, 10, 11, 12].map((block) => street.chain.blockHash(block)));
    const { seeds, snapshot, parts, generation } = round.plan;
    expect(snapshot).toEqual({ number: 8, hash: blockHashes[0] });
    expect(Object.keys(seeds)).toEqual(['A', 'B', 'C', 'prompts', 'generation', 'listening', 'shapley']);
    for (const [label, seed] of Object.entries(seeds)) expect(seed).toBe(seedOf({ blockHashes, competition: shelf.deployment.competitionDigest }, label));
    expect(new Set(Object.values(seeds)).size).toBe(7);
    expect([parts.A.seed, parts.B.seed, parts.C.seed, generation.seed]).toEqual([seeds.A, seeds.B, seeds.C, seeds.generation]);
  });

  it('carries all that its steps need, and a name that no other round has', () => {
    const { plan } = round;
    expect(plan).toMatchObject({
      hotkey: big.hotkey,
      netuid: 1,
      epoch: 0,
      competition: { id: 'rn', digest: shelf.deployment.competitionDigest },
      base: shelf.deployment.genesisDama,
      bucket: 'validator-1',
      privateBucket: 'validator-1-private',
      prefix: `rounds/1/000000-${plan.snapshot.hash.slice(2, 10)}`,
      dryRun: false,
      thresholds: competition.thresholds,
    });
    expect(plan).not.toHaveProperty('lastScale');
    expect(plan.prompts).toHaveLength(competition.generation.clips);
    expect(plan.parts.A).toMatchObject({ clips: { dungeon: 8, town: 4 }, guards: competition.styles.base });
    expect(plan.parts.B).toMatchObject({ guards: [] });
    expect(Object.keys(plan.parts.A.floors)).toEqual([...competition.styles.private]);
  });

  it('stays the same while the chain goes on, and for the other validator but for who it is', async () => {
    await street.blocks(2);
    street.say(miners.early, record('again'));
    await street.blocks(3);
    expect(await activities(street).resolveRound(undefined)).toEqual(round);
    const other = await activities(street).resolveRound({ hotkey: small.hotkey, epoch: 0 });
    const { [big.hotkey]: _, ...names } = round.names;
    expect(other).toEqual({
      ...round,
      plan: { ...round.plan, hotkey: small.hotkey, bucket: small.bucket, privateBucket: small.privateBucket },
      others: { ...round.others, roster: { ...round.others.roster, bucket: small.bucket } },
      names: { ...names, [small.hotkey]: 'validator-2' },
    });
  });

  it('is of the validator that is asked for, by hotkey, by name, or by default', async () => {
    const of = async (input: unknown, defaultHotkey?: string): Promise<string> => (await activities(street, defaultHotkey === undefined ? {} : { defaultHotkey }).resolveRound(input)).plan.bucket;
    expect(await of({})).toBe('validator-1');
    expect(await of({}, small.hotkey)).toBe('validator-2');
    expect(await of({ hotkey: 'validator-2' })).toBe('validator-2');
    expect(await of({ hotkey: big.hotkey }, small.hotkey)).toBe('validator-1');
    await expect(of({ hotkey: miners.early.hotkey })).rejects.toThrow(`Expected a validator of this machine (validator-1, validator-2), got ${miners.early.hotkey}`);
  });

  it.each([
    [{ surprise: 1 }, 'Unrecognized key: "surprise"'],
    [{ epoch: -1 }, '→ at epoch'],
    [{ epoch: '0' }, '→ at epoch'],
    [{ dryRun: 'yes' }, '→ at dryRun'],
    [{ deadlineMs: 10 }, '→ at deadlineMs'],
    [{ hotkey: '' }, '→ at hotkey'],
    ['now', 'expected object'],
    [[], 'expected object'],
    [{ epoch: 3 }, 'Expected the current epoch, 0, got 3'],
  ])('is refused with the input %j', async (input, reason) => {
    const resolving = activities(street).resolveRound(input);
    await expect(resolving).rejects.toThrow(InvalidInput);
    await expect(activities(street).resolveRound(input)).rejects.toThrow(reason);
  });

  it('has other seeds on a chain with other blocks', async () => {
    const elsewhere = await open({ specVersion: 426 });
    await elsewhere.blocks(7);
    const { plan, submissions } = await activities(elsewhere).resolveRound({});
    await elsewhere.stop();
    expect(submissions).toEqual(round.submissions);
    expect(Object.values(plan.seeds).filter((seed) => Object.values(round.plan.seeds).includes(seed))).toEqual([]);
    expect(plan.prefix).not.toBe(round.plan.prefix);
  });
});

describe('the time of a round', () => {
  it('comes when the last block of its seeds is final, and is foretold', async () => {
    const street = await open();
    const waits: unknown[] = [];
    // best block 8 to 13: 12 is final with 14
    for (let i = 0; i < 6; i++) {
      await street.blocks(1);
      waits.push(await activities(street).resolveRound({}).catch((error: unknown) => error));
    }
    expect(waits).toEqual([6, 5, 4, 3, 2, 1].map((blocks) => expect.objectContaining({ type: 'BlockNotFinal', nonRetryable: false, nextRetryDelay: blocks * BLOCK_MS }) as unknown));
    expect((waits[0] as Error).message).toBe('Block 12 is not final yet, the head is 6');
    await street.blocks(1);
    expect((await activities(street).resolveRound({})).plan.snapshot.number).toBe(8);
    await street.stop();
  });

  it('begins anew with the next epoch', async () => {
    const street = await open();
    await street.blocks(7);
    street.node.submit(signed(street.node, { kind: 'triggerEpoch', netuid: 1 }, owner).hex);
    await street.blocks(4);
    const { epochStart } = await street.chain.metagraph(1, (await street.chain.head()).hash);
    await expect(activities(street).resolveRound({})).rejects.toMatchObject({ type: 'BlockNotFinal' });
    await expect(activities(street).resolveRound({ epoch: 0 })).rejects.toThrow('epoch 0 is over, the chain is in epoch 1');
    await street.blocks(12);
    const { plan, submissions } = await activities(street).resolveRound({ epoch: 1 });
    expect(plan).toMatchObject({ epoch: 1, snapshot: { number: epochStart + 8 }, prefix: expect.stringMatching(/^rounds\/1\/000001-/) as string });
    expect(submissions.map(({ hotkey }) => hotkey)).toContain(miners.recent.hotkey);
    await street.stop();
  });
});

describe('the last round’s scale', () => {
  const withReport = async (report: unknown, spoil = false): Promise<Round['plan']> => {
    const street = await openStreet({ validators: [[big, 3n * TAO], [small, TAO]], miners: [] });
    street.say(big, await standFor(shelf, big, { dama: await keepDama(shelf.store, 'hub', 'next'), report }));
    if (spoil) lay(shelf.root, `${big.bucket}/${reportKey(String(report))}`, new Uint8Array(1));
    await street.blocks(14);
    const { plan } = await activities(street).resolveRound({});
    await street.stop();
    return plan;
  };

  it('is where the next one begins, with the Dama that it made', async () => {
    expect(await withReport({ acceptance: { scale: 0.4 } })).toMatchObject({ lastScale: 0.4, base: { weights: { key: 'damas/next/model.safetensors' } } });
  });

  it.each<[string, unknown, boolean]>([
    ['has no scale', { acceptance: {} }, false],
    ['has a scale that is none', { acceptance: { scale: -1 } }, false],
    ['is no JSON', 'scale .4', false],
    ['was changed', 'changed', true],
  ])('is unknown when the report of the one with the most stake %s, and the round goes on', async (_, report, spoil) => {
    const plan = await withReport(report, spoil);
    expect(plan).not.toHaveProperty('lastScale');
    expect(plan.base.weights.key).toBe('damas/next/model.safetensors');
  });
});

describe('what the last round left', () => {
  const entry = { competition: 'rn', hotkey: miners.early.hotkey, registeredAt: 0, value: 0.5, epoch: 0 };
  const line = { hotkey: miners.early.hotkey, registeredAt: 0, commitBlock: 1, commitIndex: 0, verdict: 'accepted', reason: '', gain: null, contribution: null, quality: null, diversity: null, score: 1, similarity: null, overlap: null, weight: 1, waitingSince: 1 };
  const pastFrom = async (more: { entries: readonly object[]; leader?: object }): Promise<Round['plan']['past']> => {
    const street = await open();
    street.node.submit(signed(street.node, { kind: 'triggerEpoch', netuid: 1 }, owner).hex);
    const report = { version: 2, netuid: 1, epoch: 0, snapshot: { number: 1, hash: '0x' }, miners: [{ ...line, ...more.leader }], acceptance: { accepted: [], scale: 0.6 }, scores: { after: { kind: 'average', entries: more.entries } }, ledger: null, dama: { next: '', published: false, reason: '' } };
    street.say(big, await standFor(shelf, big, { dama: shelf.deployment.genesisDama, report }));
    await street.blocks(20);
    const { plan } = await activities(street).resolveRound({});
    await street.stop();
    expect(plan.epoch).toBe(1);
    return plan.past;
  };

  it('is its scores, and who earned most', async () => {
    expect(await pastFrom({ entries: [entry] })).toEqual({ scores: { kind: 'average', entries: [entry] }, leader: miners.early.hotkey, ledger: null });
  });

  it('is nothing that a validator made up to stop the next rounds, or to crowd others out', async () => {
    const made = [{ ...entry, epoch: 1 }, { ...entry, registeredAt: 1, epoch: 1e9 }, { ...entry, competition: 'zz', epoch: 1e9 }, { ...entry, hotkey: '5'.repeat(48) }];
    expect(await pastFrom({ entries: made, leader: { registeredAt: 7 } })).toEqual({ scores: { kind: 'average', entries: [] }, leader: null, ledger: null });
  });
});

describe('a report', () => {
  it('is published under its content’s name, and makes its validator’s Dama the current one', async () => {
    const street = await open();
    await street.blocks(7);
    const { plan, others: { roster } } = await activities(street).resolveRound({});
    const dama: Dama = await keepDama(shelf.store, big.bucket, 'merged');
    const report = { version: 2, epoch: 0, acceptance: { scale: 0.5 }, miners: [] } as unknown as RoundReport;
    const publish = async () => inActivity(() => activities(street).publishReport({ round: plan, report, roster, dama }));
    const { report: ref, body } = await publish();
    expect(await publish()).toEqual({ report: ref, body });
    const bytes = await shelf.store.get(ref, { maxBytes: 2 ** 14 });
    expect(ref.key).toBe(`${plan.prefix}/report-${sha256Hex(bytes).slice(0, 16)}.json`);
    const { miners: lines, ...rest } = JSON.parse(textOf(bytes)) as RoundReport;
    expect(rest).toEqual({ version: 2, epoch: 0, acceptance: { scale: 0.5 } });
    expect(lines.map(({ hotkey, verdict, weight }) => [hotkey, verdict, weight])).toEqual(['long', 'six', 'bytes', 'elsewhere', 'recent', 'silent'].map((name) => [miners[name as 'long'].hotkey, name === 'recent' ? 'unavailable' : name === 'silent' ? 'absent' : 'rejected', 0]));

    const manifest = signManifest(body, big);
    await shelf.store.putOnce(big.bucket, manifestKey(manifest), manifest);
    street.say(big, encodeCommitRecord({ namespace: 'local', name: big.bucket, commit: manifestCommit(manifest), hash: manifestHash(manifest, body), competition: 'rn' }));
    street.node.submit(signed(street.node, { kind: 'triggerEpoch', netuid: 1 }, owner).hex);
    await street.blocks(18);
    expect((await activities(street).resolveRound({})).plan).toMatchObject({ epoch: 1, base: dama, lastScale: 0.5 });
    await street.stop();
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { consult, keepLedger, readLedger } from '../../activities/first-seen.ts';
import type { RoundContext, Submission } from '../../activities/round.ts';
import { createSubmissionActivities, type Compared, type ComparisonInput, type Fetched } from '../../activities/submission.ts';
import { noisyCopy } from '../../genki/attacks/noisy-copy.ts';
import { decodeGram } from '../../genki/evaluation/gram-file.ts';
import { decodeAdapter, encodeAdapter } from '../../genki/music/lora.ts';
import type { CommittedUpdate } from '../../genki/protocol/first-seen.ts';
import { Random } from '../../genki/protocol/random.ts';
import { TOY, TOY_LORA } from '../genki/music/support/toys.ts';
import { actor, adapterFile, openShelf, openStreet, type Actor, type Shelf, type Street } from './support/federation.ts';
import { handIn, roundOf } from './support/hand-in.ts';
import { standFor } from './support/stand-for.ts';

let shelf: Shelf;
let street: Street;
let round: RoundContext;
const validator = actor('validator-1');
let miners = 0;
/** A miner whose bucket nobody has used. */
const newMiner = (): Actor => actor(`miner-${miners++}`);

beforeAll(async () => {
  shelf = await openShelf();
  round = roundOf(shelf, validator);
  street = await openStreet({ validators: [[validator, 1n]], miners: [] }, { finalityLag: 0 });
});
afterAll(async () => {
  await street.stop();
  shelf.remove();
});

type Taken = Fetched & Pick<Submission, 'hotkey' | 'commitBlock' | 'commitIndex'>;
const activities = () => createSubmissionActivities({ ...shelf, chain: street.chain });
const read = (file: Uint8Array) => decodeAdapter(file, { music: TOY, lora: TOY_LORA });
const noisy = (name: string): Uint8Array => encodeAdapter(noisyCopy(read(adapterFile(name, 0.5)), new Random('noise')));
const take = async (adapter: Uint8Array, by = newMiner()): Promise<Taken> => {
  const submission = handIn(shelf, { by, adapter });
  return { ...(await activities().fetchSubmission({ round, submission })), hotkey: by.hotkey, commitBlock: submission.commitBlock, commitIndex: submission.commitIndex };
};
let rounds = 0;
const compare = async (submissions: readonly Taken[], more: Partial<ComparisonInput> = {}) =>
  await activities().compareSubmissions({ round: { ...round, snapshot: await street.chain.head(), prefix: `rounds/${rounds++}` }, submissions, ...more });
const kept = async ({ gram }: Compared, rows: number) => decodeGram(await shelf.store.get(gram, { maxBytes: gram.bytes }), rows);

describe('comparing the submissions of a round', () => {
  it('is done again in a round that was begun anew, with others scored', async () => {
    const [one, two] = [await take(adapterFile('dry', 0.5)), await take(adapterFile('run', 0.5))];
    const prefix = 'rounds/begun-anew';
    const snapshot = await street.chain.head();
    const first = await compare([one], { round: { ...round, snapshot, prefix } });
    const second = await compare([one, two], { round: { ...round, snapshot, prefix } });
    expect(await kept(first, 1)).toHaveLength(1);
    expect(await kept(second, 2)).toHaveLength(2);
  });

  describe('with what the last round accepted', () => {
    const [liar, early] = [newMiner(), newMiner()];
    /** A validator that stands for a report in which somebody was accepted with an update, and for a ledger. */
    const afterReport = async (owner: Actor, of: Taken, ledger: readonly CommittedUpdate[]): Promise<RoundContext> => {
      const { ledger: entered } = await consult(shelf.store, await readLedger(shelf.store, undefined), ledger);
      const miner = { hotkey: owner.hotkey, verdict: 'accepted', update: { sha256: of.adapter.sha256, bytes: of.adapter.bytes, digest: of.digest } };
      const report = { version: 2, base: { digest: round.base.digest }, miners: [miner], ledger: await keepLedger(shelf.store, validator.bucket, entered) };
      street.say(validator, await standFor(shelf, validator, { dama: round.base, report }));
      await street.blocks(1);
      return { ...round, epoch: 1, prefix: `rounds/${rounds++}`, snapshot: await street.chain.head() };
    };
    const since = (of: Taken, owner: Actor, commitBlock: number): CommittedUpdate => ({ digest: of.digest, hotkey: owner.hotkey, base: round.base.digest, commitBlock, commitIndex: 0 });

    it('finds a noisy copy of it by who came later', async () => {
      const original = await take(adapterFile('accepted', 0.5), early);
      const copy = await take(noisy('accepted'));
      const compared = await compare([copy], { round: await afterReport(early, original, [since(original, early, 1)]) });
      expect(compared.similarities).toMatchObject([{ by: 'past', hotkey: early.hotkey }]);
    });

    it('believes no report whose ledger does not know whose it is, nor one who committed later', async () => {
      const own = await take(adapterFile('slandered', 0.5));
      const later = await take(noisy('slandered'), liar);
      expect((await compare([own], { round: await afterReport(liar, own, []) })).originals).toEqual([0]);
      expect((await compare([own], { round: await afterReport(liar, later, []) })).originals).toEqual([0]);
      expect((await compare([own], { round: await afterReport(liar, later, [since(later, liar, own.commitBlock + 1)]) })).originals).toEqual([0]);
    });
  });

  it('of nobody hands the ledger on', async () => {
    const ledger = await readLedger(shelf.store, undefined);
    expect(await compare([])).toMatchObject({ similarities: [], originals: [], duplicates: [], ledger: { count: ledger.index.count } });
  });
});

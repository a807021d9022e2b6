import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { AdapterVersion } from '../../../genki/protocol/adapter-version.ts';
import type { Candidate, Push } from '../../../genki/protocol/candidates.ts';
import { Random } from '../../../genki/protocol/random.ts';
import { copied, hear, merged, newRelay, published, push, releaseTurn, relayEndsAt, renewTurn, requestTurn, rollback, settle, statusOf, tick, vanished, type CurrentVersion, type RelayRules, type RelayState, type Verdict } from '../../../genki/protocol/relay.ts';
import type { ObjectRef } from '../../../genki/store/object-store.ts';

const RULES: RelayRules = { timing: { leaseMs: 1000, checkMs: 100, lapseWaitMs: 300 }, promotionMs: 2000, maxCandidates: 2 };

const adapterOf = (name: string): ObjectRef => ({ bucket: name, key: 'adapter', sha256: Buffer.from(name).toString('hex').padEnd(64, '0').slice(0, 64), bytes: 1 });
const versionOf = (sequence: number, { holder: hotkey, fence, parent, adapter }: Push): AdapterVersion => ({ version: 1, competition: '', adapterId: 'x', hotkey: 'hub', sequence, parent, base: '', adapter, author: { hotkey, fence }, losses: {}, block: 1 });
const currentOf = ({ sequence, adapter }: AdapterVersion): CurrentVersion => ({ sequence, adapter, record: adapterOf(`record ${sequence}`) });
const accepted = (version: AdapterVersion): Verdict => ({ kind: 'accepted', version });

/** The lease held by the first of them from 0 on, the others waiting. */
const queueOf = (...holders: string[]): RelayState => holders.reduce((state, holder) => requestTurn(state, { holder, coldkey: holder, now: 0 }, RULES).state, newRelay());
/** Somebody or other asks at the door twice a check, from after the one moment on until after the other. */
function heardUntil(before: RelayState, from: number, until: number): RelayState {
  let state = before;
  for (let now = from + 1; now <= until; now += RULES.timing.checkMs / 2) state = hear(state, now, RULES);
  return hear(state, until, RULES);
}
const holderOf = ({ lease: { current } }: RelayState): string | undefined => (current.kind === 'held' ? current.holder : undefined);
const pushOf = (holder: string, fence: number, parent = 0): Push => ({ holder, fence, parent, adapter: adapterOf(`${holder}${fence}`) });

/** As far as the version that is to be published. */
function accept(state: RelayState, pushed: Push, now: number): RelayState {
  const evaluating = push(state, { ...pushed, now }, RULES);
  expect(evaluating.answer).toEqual({ kind: 'evaluating' });
  const { state: publishing, then } = settle(evaluating.state, { attempt: evaluating.state.attempts, verdict: accepted(versionOf(pushed.parent + 1, pushed)), now }, RULES);
  expect(then).toBe('publish');
  return publishing;
}
function promote(state: RelayState, pushed: Push, now: number): RelayState {
  const publishing = accept(state, pushed, now);
  return published(publishing, { version: currentOf(versionOf(pushed.parent + 1, pushed)), now }, RULES);
}

describe('a relayed adapter', () => {
  it('passes on when a push has become a version, and not before', () => {
    const publishing = accept(queueOf('a', 'b'), pushOf('a', 1), 10);
    expect([holderOf(publishing), publishing.version]).toEqual(['a', null]);
    const state = published(publishing, { version: currentOf(versionOf(1, pushOf('a', 1))), now: 20 }, RULES);
    expect([holderOf(state), state.lease.fence, state.version?.sequence, state.work]).toEqual(['b', 2, 1, null]);
    expect(statusOf(state, 'a')).toEqual({ state: { kind: 'none' }, fence: 2, waiting: 0, version: 1, push: { kind: 'promoted', sequence: 1 } });
    expect(statusOf(state, 'b')).toEqual({ state: { kind: 'granted', fence: 2, expiresAt: 1020 }, fence: 2, waiting: 0, version: 1 });
    // told again, as whoever is killed on the way does
    expect(published(state, { version: currentOf(versionOf(1, pushOf('a', 1))), now: 21 }, RULES)).toBe(state);
  });

  it('does not pass on while a push is judged, though its lease ends; and its author is not barred', () => {
    const judging = push(renewTurn(queueOf('a', 'b'), { holder: 'a', fence: 1, now: 200 }, RULES).state, { ...pushOf('a', 1), now: 390 }, RULES).state;
    for (const now of [401, 1500, 2390]) expect(holderOf(tick(judging, now, RULES))).toBe('a');
    const { state: publishing } = settle(judging, { attempt: 1, verdict: accepted(versionOf(1, pushOf('a', 1))), now: 2300 }, RULES);
    // publishing takes what it takes
    expect(holderOf(tick(publishing, 999_999, RULES))).toBe('a');
    const state = published(publishing, { version: currentOf(versionOf(1, pushOf('a', 1))), now: 999_999 }, RULES);
    expect([holderOf(state), state.lease.lapsed]).toEqual(['b', []]);
  });

  it('counts a push that nobody judges as late after two seconds, and then goes by its own time again', () => {
    const judging = push(queueOf('a', 'b'), { ...pushOf('a', 1), now: 190 }, RULES).state;
    const state = tick(judging, 2191, RULES);
    expect([holderOf(state), state.work]).toEqual(['b', null]);
    expect(statusOf(state, 'a').push).toEqual({ kind: 'late', reason: 'not judged within 2 s' });
    expect(state.candidates).toEqual([{ ...pushOf('a', 1), reason: 'not judged within 2 s', kept: null }]);
    expect(settle(state, { attempt: 1, verdict: accepted(versionOf(1, pushOf('a', 1))), now: 2192 }, RULES).then).toBe('gone');
  });

  it('leaves the lease to whoever is refused, until its end, to push something else', () => {
    const judging = push(queueOf('a', 'b'), { ...pushOf('a', 1), now: 150 }, RULES).state;
    const { state, then } = settle(judging, { attempt: 1, verdict: { kind: 'refused', reason: 'worse' }, now: 900 }, RULES);
    expect([then, holderOf(state), relayEndsAt(state, RULES)]).toEqual(['done', 'a', 1000]);
    expect(push(state, { ...pushOf('a', 1), now: 910 }, RULES)).toEqual({ state: hear(state, 910, RULES), answer: { kind: 'refused', reason: 'worse' } });
    expect(push(state, { ...pushOf('a', 1), adapter: adapterOf('better'), now: 910 }, RULES).answer).toEqual({ kind: 'evaluating' });
    expect(holderOf(tick(state, 1001, RULES))).toBe('b');
  });

  it('judges four pushes of one lease and no more', () => {
    let state = queueOf('a');
    for (let i = 1; i <= 4; i++) {
      state = push(state, { ...pushOf('a', 1), adapter: adapterOf(`try ${i}`), now: i }, RULES).state;
      state = settle(state, { attempt: i, verdict: { kind: 'refused', reason: 'worse' }, now: i }, RULES).state;
    }
    expect(push(state, { ...pushOf('a', 1), now: 5 }, RULES)).toEqual({ state: hear(state, 5, RULES), answer: { kind: 'refused', reason: 'Expected at most 4 pushes under one lease' } });
  });

  it('keeps a push of a lost lease as a candidate and says why, once however often it comes', () => {
    const state = heardUntil(queueOf('a', 'b'), 0, 201);
    const { state: kept, answer } = push(state, { ...pushOf('a', 1), now: 202 }, RULES);
    expect(answer).toEqual({ kind: 'late', reason: 'Expected the fence of a lease that is still held, got 1: the adapter passed on, its fence is 2 by now' });
    expect(kept.candidates).toEqual([{ ...pushOf('a', 1), reason: (answer as { reason: string }).reason, kept: null }]);
    expect(push(kept, { ...pushOf('a', 1), now: 203 }, RULES)).toEqual({ state: hear(kept, 203, RULES), answer });
    expect(merged(kept, { adapters: [adapterOf('a1').sha256] }).candidates).toEqual([]);
    expect(merged(kept, { adapters: [adapterOf('b').sha256] })).toBe(kept);
  });

  it('knows the copy of a candidate; one that cannot be copied is dropped, and whoever asks is told so, and may push another', () => {
    const { state } = push(heardUntil(queueOf('a', 'b'), 0, 201), { ...pushOf('a', 1), now: 202 }, RULES);
    const [late] = state.candidates as [Candidate];
    const copy = copied(state, late, { kind: 'kept', adapter: adapterOf('copy') });
    expect(copy.candidates).toEqual([{ ...late, kept: adapterOf('copy') }]);
    const dropped = copied(state, late, { kind: 'refused', reason: 'ObjectMissing: it is gone' });
    const reason = `${late.reason}. It is not kept for the next merge, either: ObjectMissing: it is gone`;
    expect([dropped.candidates, statusOf(dropped, 'a').push, push(dropped, { ...pushOf('a', 1), now: 203 }, RULES).answer]).toEqual([[], { kind: 'refused', reason }, { kind: 'refused', reason }]);
    expect(push(dropped, { ...pushOf('a', 1), adapter: adapterOf('other'), now: 203 }, RULES).answer.kind).toBe('late');
    // taken by a merge meanwhile
    expect(copied(dropped, late, { kind: 'kept', adapter: adapterOf('copy') })).toBe(dropped);
  });

  it('hands the oldest that is to be trained again to whoever is granted the lease, until a version came of it or it was refused', () => {
    let state = queueOf('a', 'b');
    for (const now of [201, 402]) state = heardUntil(state, now - 201, now);
    state = push(push(state, { ...pushOf('a', 1), now: 403 }, RULES).state, { ...pushOf('b', 2), now: 403 }, RULES).state;
    const again = state.candidates.map((one): Candidate => ({ ...one, kept: one.adapter, again: { base: 'new', start: adapterOf(`start ${one.holder}`) } }));
    state = merged(state, { adapters: [], again });
    expect([state.candidates, state.handed]).toEqual([again, null]);
    const granted = (holder: string, now: number): void => { state = requestTurn(state, { holder, coldkey: holder, now }, RULES).state; };
    const first = { base: 'new', start: adapterOf('start a'), late: adapterOf('a1').sha256 };
    granted('c', 404);
    expect(state.handed).toEqual({ ...first, fence: 3 });
    // nothing came of it
    state = releaseTurn(state, { holder: 'c', fence: 3, now: 405 }, RULES);
    expect(state.handed).toBeNull();
    granted('d', 406);
    expect(state.handed).toEqual({ ...first, fence: 4 });
    const judging = push(state, { ...pushOf('d', 4), now: 407 }, RULES).state;
    expect(judging.work).toMatchObject({ task: { refines: first.late } });
    const refused = settle(judging, { attempt: judging.attempts, verdict: { kind: 'refused', reason: 'worse' }, now: 408 }, RULES).state;
    expect([refused.candidates, statusOf(refused, 'a').push]).toEqual([[again[1]], { kind: 'refused', reason: expect.stringContaining('trained again by d it was refused: worse') as string }]);
    state = promote(state, pushOf('d', 4), 407);
    expect([state.candidates, state.handed]).toEqual([[again[1]], null]);
    granted('e', 409);
    expect(state.handed).toMatchObject({ fence: 5, late: adapterOf('b2').sha256 });
    // another base: what was handed out for this one is late
    state = merged(state, { adapters: [adapterOf('b2').sha256], again: [] });
    expect([state.candidates, state.handed]).toEqual([[], null]);
  });

  it('says in words what it does not keep: of who had no such lease, a second one of the same lease, and where there is no room', () => {
    let state = queueOf('a', 'b', 'c', 'd');
    for (const now of [201, 402, 603]) state = heardUntil(state, now - 201, now);
    expect(holderOf(state)).toBe('d');
    const answers = [pushOf('d', 1), pushOf('e', 4), pushOf('a', 1), { ...pushOf('a', 1), adapter: adapterOf('other') }, pushOf('b', 2), pushOf('c', 3)].map((pushed) => {
      const next = push(state, { ...pushed, now: 604 }, RULES);
      state = next.state;
      return next.answer.kind === 'refused' ? next.answer.reason.split('either: ')[1] : next.answer.kind;
    });
    expect(answers).toEqual(["no lease with this fence is known to have been d's", "no lease with this fence is known to have been e's", 'late', 'an earlier one of the same lease is', 'late', '2 others wait, and there is no room for more']);
    // once there is room it can be pushed again
    expect(push(merged(state, { adapters: [adapterOf('a1').sha256] }), { ...pushOf('c', 3), now: 605 }, RULES).answer.kind).toBe('late');
  });

  it('takes nothing that was made from another version than the current one', () => {
    const state = promote(queueOf('a', 'b'), pushOf('a', 1), 10);
    for (const parent of [0, 2]) expect(push(state, { ...pushOf('b', 2, parent), now: 20 }, RULES).answer).toEqual({ kind: 'late', reason: `Expected an adapter made from version 1, the current one, got one made from version ${parent}` });
    expect(push(state, { ...pushOf('b', 2, 1), now: 20 }, RULES).answer).toEqual({ kind: 'evaluating' });
  });

  it('waits with a release until the push is judged', () => {
    const judging = push(queueOf('a', 'b'), { ...pushOf('a', 1), now: 10 }, RULES).state;
    const leaving = releaseTurn(judging, { holder: 'a', fence: 1, now: 20 }, RULES);
    expect(holderOf(leaving)).toBe('a');
    const { state } = settle(leaving, { attempt: 1, verdict: { kind: 'refused', reason: 'worse' }, now: 30 }, RULES);
    expect([holderOf(state), state.lease.lapsed]).toEqual(['b', []]);
    // of anybody else it changes nothing
    expect(releaseTurn(judging, { holder: 'b', fence: 1, now: 20 }, RULES)).toEqual(hear(judging, 20, RULES));
  });

  it('begins an attempt that nobody works at any more again, to judge or to publish', () => {
    const judging = push(queueOf('a'), { ...pushOf('a', 1), now: 10 }, RULES).state;
    const again = vanished(judging, { attempt: 1, now: 20 }, RULES);
    expect(again.work).toEqual({ ...judging.work, attempt: 2 });
    expect(settle(again, { attempt: 1, verdict: { kind: 'refused', reason: 'a zombie says so' }, now: 30 }, RULES)).toEqual({ state: again, then: 'gone' });
    const publishing = accept(queueOf('a'), pushOf('a', 1), 10);
    const anew = vanished(publishing, { attempt: 1, now: 20 }, RULES);
    expect(anew.work).toEqual({ ...publishing.work, attempt: 2 });
    expect(settle(anew, { attempt: 2, verdict: { kind: 'refused', reason: 'too late to say so' }, now: 30 }, RULES)).toEqual({ state: anew, then: 'publish' });
    expect(published(anew, { version: currentOf(versionOf(1, pushOf('a', 1))), now: 40 }, RULES).version?.sequence).toBe(1);
  });

  it('is rolled back to a new version, while nobody is judged; what was made from the one before is late', () => {
    let state = promote(promote(queueOf('a', 'b', 'c'), pushOf('a', 1), 10), pushOf('b', 2, 1), 20);
    for (const to of [0, 2, 3, 1.5]) expect(rollback(state, { to, now: 30 }, RULES).answer).toEqual({ kind: 'refused', reason: `Expected a version before the current one, 2, got ${to}` });
    const judging = push(state, { ...pushOf('c', 3, 2), now: 30 }, RULES).state;
    expect(rollback(judging, { to: 1, now: 31 }, RULES).answer).toEqual({ kind: 'refused', reason: "Expected nothing to be judged, c's push is" });
    state = rollback(state, { to: 1, now: 30 }, RULES).state;
    expect(rollback(state, { to: 1, now: 31 }, RULES)).toEqual({ state, answer: { kind: 'begun' } });
    expect(push(state, { ...pushOf('c', 3, 2), now: 32 }, RULES).answer).toEqual({ kind: 'late', reason: 'Expected an adapter made from the current version, which is being rolled back to version 1' });
    const body = { ...versionOf(3, pushOf('a', 1)), parent: 2, rolledBackTo: 1 };
    const { state: publishing } = settle(state, { attempt: state.attempts, verdict: accepted(body), now: 40 }, RULES);
    const done = published(publishing, { version: currentOf(body), now: 50 }, RULES);
    expect([done.version, holderOf(done), done.lease.fence]).toEqual([currentOf(body), 'c', 3]);
    const refused = settle(state, { attempt: state.attempts, verdict: { kind: 'refused', reason: 'version 1 is gone' }, now: 40 }, RULES).state;
    expect([refused.rollbackRefused, refused.work, refused.version?.sequence]).toEqual(['version 1 is gone', null, 2]);
  });

  it('goes on after the version and the fence that are known, where its workflow begins anew', () => {
    const state = newRelay({ current: currentOf(versionOf(7, pushOf('a', 30))), fence: 30 });
    expect(requestTurn(state, { holder: 'a', coldkey: 'a', now: 0 }, RULES).answer).toMatchObject({ kind: 'granted', fence: 31 });
    expect(statusOf(state, 'a').version).toBe(7);
  });

  it('takes the version that a promotion of an ended relay has published, though it judges, or was to publish, another one', () => {
    const theirs = { ...currentOf(versionOf(1, pushOf('z', 9))), adapter: adapterOf('z9') };
    expect(published(queueOf('a'), { version: theirs, now: 10 }, RULES).version).toEqual(theirs);
    const judging = push(queueOf('a', 'b'), { ...pushOf('a', 1), now: 10 }, RULES).state;
    const overtaken = published(judging, { version: theirs, now: 20 }, RULES);
    const judged = settle(overtaken, { attempt: 1, verdict: accepted(versionOf(1, pushOf('a', 1))), now: 30 }, RULES);
    expect([judged.then, judged.state.candidates.length, statusOf(judged.state, 'a').push]).toEqual(['done', 1, { kind: 'late', reason: 'Expected version 2, got 1' }]);
    const state = published(accept(queueOf('a', 'b'), pushOf('a', 1), 10), { version: theirs, now: 20 }, RULES);
    expect([state.version, state.work, statusOf(state, 'a').push]).toEqual([theirs, null, { kind: 'late', reason: 'Expected to be version 1, another one is' }]);
    // the lease goes by its own time again
    expect(holderOf(tick(state, 999_999, RULES))).toBe('b');
  });

  it('keeps four late results of one holder and no more, however many leases it takes and hands back', () => {
    let state = newRelay();
    const rules = { ...RULES, maxCandidates: 64 };
    const answers = Array.from({ length: 6 }, (_, i) => {
      state = requestTurn(state, { holder: 'e', coldkey: 'e', now: 0 }, rules).state;
      const pushed = push(state, { ...pushOf('e', i + 1, 9), now: 0 }, rules);
      state = releaseTurn(pushed.state, { holder: 'e', fence: i + 1, now: 0 }, rules);
      return pushed.answer.kind;
    });
    expect(answers).toEqual(['late', 'late', 'late', 'late', 'refused', 'refused']);
  });

  it('passes on from who is silent while others are heard', () => {
    const state = heardUntil(queueOf('a', 'b'), 0, 200);
    expect([holderOf(state), relayEndsAt(state, RULES)]).toEqual(['a', 1000]);
    const passed = hear(state, 201, RULES);
    expect([holderOf(passed), passed.lease.lapsed]).toEqual(['b', [{ coldkey: 'a', until: 500 }]]);
    expect(renewTurn(state, { holder: 'a', fence: 1, now: 201 }, RULES).renewed).toBe(false);
  });

  it('calls nobody silent while the door is away, however long: who holds it goes on, and nobody loses a place', () => {
    for (const backAt of [201, 500, 999]) {
      const state = tick(queueOf('a', 'b', 'c'), backAt, RULES);
      // whoever is heard first
      const [renewed, asked] = [renewTurn(state, { holder: 'a', fence: 1, now: backAt }, RULES), requestTurn(state, { holder: 'c', coldkey: 'c', now: backAt }, RULES)];
      expect([renewed.renewed, asked.answer]).toEqual([true, { kind: 'queued', position: 2 }]);
      expect(asked.state.lease).toMatchObject({ current: { holder: 'a', expiresAt: 1000 }, waiting: [{ holder: 'b' }, { holder: 'c' }], lapsed: [] });
    }
    // from then on its silence counts
    const back = hear(queueOf('a', 'b', 'c'), 500, RULES);
    expect([holderOf(heardUntil(back, 500, 700)), holderOf(heardUntil(back, 500, 701))]).toEqual(['a', 'b']);
  });

  it('begins a lease that was granted while the door is away when somebody is heard again, whenever that is; the one before is over after its time, and nobody is barred', () => {
    const away = tick(queueOf('a', 'b', 'c'), 1001, RULES);
    expect([holderOf(away), away.lease.fence, relayEndsAt(away, RULES)]).toEqual(['b', 2, Infinity]);
    const state = hear(tick(away, 50_000, RULES), 50_001, RULES);
    expect(state.lease).toMatchObject({ current: { holder: 'b', fence: 2, expiresAt: 51_001 }, waiting: [{ holder: 'c' }], lapsed: [] });
    expect(push(state, { ...pushOf('a', 1), now: 50_002 }, RULES).answer.kind).toBe('late');
    // a second time it does not begin anew: strictly after its time it is over
    const gone = hear(state, 50_900, RULES);
    expect([holderOf(gone), holderOf(tick(gone, 51_001, RULES)), holderOf(tick(gone, 51_002, RULES))]).toEqual(['b', 'b', 'c']);
  });

  it('imports types, the lease and its candidates, so that a workflow can run it', () => {
    const text = ['relay', 'candidates'].map((name) => readFileSync(new URL(`../../../genki/protocol/${name}.ts`, import.meta.url), 'utf8')).join('');
    expect(text).not.toMatch(/^import (?!type).*(?<!'\.\/(lease|candidates)\.ts');$|Date\.|Math\.random/m);
  });
});

/** Somebody who judges one attempt, maybe longer than anybody waits. */
type Judge = { readonly attempt: number; readonly version: AdapterVersion; toPublish: boolean };

/** A hub with miners who push what they should and what they should not, and with judges that are killed and come back. */
class Drill {
  readonly random: Random;
  readonly rules: RelayRules = { timing: { leaseMs: 60, checkMs: 8, lapseWaitMs: 20 }, promotionMs: 25, maxCandidates: 3 };
  state: RelayState = newRelay();
  now = 0;
  readonly judges: Judge[] = [];
  /** By sequence, as they lie in the bucket: nothing there is ever written twice. */
  readonly files = new Map<number, AdapterVersion>();
  readonly pushes: Push[] = [];
  readonly taken = new Set<string>();
  promotions = 0;
  rollbacks = 0;
  late = 0;

  constructor(seed: number) {
    this.random = new Random(`relay ${seed}`);
  }

  step(): void {
    // now and then the door is away
    this.now += this.random.chance(0.02) ? 30 : this.random.int(4);
    const before = this.state;
    this.event();
    if (this.random.chance(0.1)) this.state = JSON.parse(JSON.stringify(this.state)) as RelayState;
    this.check(before);
  }

  event(): void {
    const { random, now, rules, state } = this;
    const holder = `h${random.int(6)}`;
    const { current } = state.lease;
    const held = current.kind === 'held' && random.chance(0.7) ? { holder: current.holder, fence: current.fence } : { holder, fence: random.int(state.lease.fence + 2) };
    switch (random.int(12)) {
      case 0: case 1: this.state = requestTurn(state, { holder, coldkey: `c${Number(holder.slice(1)) >> 1}`, now }, rules).state; break;
      case 2: case 3: this.state = renewTurn(state, { ...held, now }, rules).state; break;
      case 4: if (random.chance(0.3)) this.state = releaseTurn(state, { ...held, now }, rules); break;
      case 5: case 6: this.push(held); break;
      case 7: case 8: this.judge(); break;
      case 9: this.publish(); break;
      case 10: if (state.work && random.chance(0.5)) this.state = vanished(state, { attempt: state.work.attempt, now }, rules); break;
      default: this.operate();
    }
    const { work } = this.state;
    if (work && !this.judges.some(({ attempt }) => attempt === work.attempt)) this.judges.push({ attempt: work.attempt, version: this.versionFor(work.task), toPublish: false });
  }

  versionFor(task: NonNullable<RelayState['work']>['task']): AdapterVersion {
    const { work } = this.state;
    if (work?.step === 'publishing') return work.version;
    const sequence = this.state.version?.sequence ?? 0;
    return task.kind === 'push' ? versionOf(sequence + 1, task) : { ...this.files.get(task.to)!, sequence: sequence + 1, parent: sequence, rolledBackTo: task.to };
  }

  push(held: { holder: string; fence: number }): void {
    const { random, now, rules } = this;
    const sequence = this.state.version?.sequence ?? 0;
    const old = this.pushes.length > 0 && random.chance(0.3) ? random.pick(this.pushes) : undefined;
    const pushed = old ?? { ...held, parent: random.chance(0.85) ? sequence : random.int(sequence + 2), adapter: adapterOf(`p${this.pushes.length}`) };
    const before = tick(this.state, now, rules);
    const { state, answer } = push(this.state, { ...pushed, now }, rules);
    expect(push(state, { ...pushed, now }, rules).answer).toEqual(answer);
    if (answer.kind === 'evaluating') expect([state.work?.task]).toMatchObject([pushed]);
    // nothing of whoever is late is lost, unless it is told so
    if (answer.kind === 'late') expect(this.taken.has(pushed.adapter.sha256) || state.candidates.some(({ adapter }) => adapter.sha256 === pushed.adapter.sha256)).toBe(true);
    if (answer.kind === 'refused') expect(answer.reason).not.toBe('');
    if (answer.kind === 'late' && state !== before) this.late++;
    this.state = state;
    if (!old) this.pushes.push(pushed);
  }

  judge(): void {
    if (this.judges.length === 0) return;
    const judge = this.random.chance(0.7) ? this.judges.at(-1)! : this.random.pick(this.judges);
    const verdict: Verdict = this.random.chance(0.6) ? accepted(judge.version) : { kind: this.random.pick(['refused', 'late']), reason: 'a reason' };
    const { state, then } = settle(this.state, { attempt: judge.attempt, verdict, now: this.now }, this.rules);
    // of an attempt that is not the one at work nobody may publish anything
    if (then === 'publish') expect(state.work).toMatchObject({ attempt: judge.attempt, step: 'publishing', version: judge.version });
    judge.toPublish ||= then === 'publish';
    this.state = state;
  }

  publish(): void {
    const publishers = this.judges.filter(({ toPublish }) => toPublish);
    const judge = this.random.chance(0.7) ? publishers.at(-1) : publishers[this.random.int(publishers.length + 1)];
    if (!judge) return;
    const { version } = judge;
    // two that publish one number publish the same
    expect(this.files.get(version.sequence) ?? version).toEqual(version);
    this.files.set(version.sequence, version);
    if (this.random.chance(0.7)) this.state = published(this.state, { version: currentOf(version), now: this.now }, this.rules);
  }

  operate(): void {
    const { random, now, rules } = this;
    if (random.chance(0.8)) {
      const { state, answer } = rollback(this.state, { to: random.int(4), now }, rules);
      if (answer.kind === 'begun') expect(state.work?.task.kind).toBe('rollback');
      this.state = state;
      return;
    }
    const adapters = this.state.candidates.slice(0, 1).map(({ adapter }) => adapter.sha256);
    for (const sha256 of adapters) this.taken.add(sha256);
    this.state = merged(this.state, { adapters });
  }

  check(before: RelayState): void {
    const { state, now, rules } = this;
    expect(state.lease.fence - before.lease.fence).toBeOneOf([0, 1]);
    const [was, is] = [before.version?.sequence ?? 0, state.version?.sequence ?? 0];
    expect(is - was).toBeOneOf([0, 1]);
    if (is > was) this.checkVersion(before);
    const { work, lease } = tick(state, now, rules);
    if (work?.task.kind === 'push') expect(lease.current).toMatchObject({ kind: 'held', holder: work.task.holder, fence: work.task.fence });
    if (work?.step === 'judging' && work.task.kind === 'push') expect(now).toBeLessThanOrEqual(work.since + rules.promotionMs);
    expect(state.candidates.length).toBeLessThanOrEqual(rules.maxCandidates);
    expect(new Set(state.candidates.map(({ adapter }) => adapter.sha256)).size).toBe(state.candidates.length);
    expect(state.grants.at(-1)?.fence ?? 0).toBe(state.lease.fence);
  }

  checkVersion(before: RelayState): void {
    const { work } = before;
    const { sequence, adapter } = this.state.version!;
    expect(adapter).toEqual(this.files.get(sequence)?.adapter);
    if (work?.task.kind === 'rollback') {
      this.rollbacks++;
      expect(adapter).toEqual(this.files.get(work.task.to)!.adapter);
      return;
    }
    const { holder, fence, parent } = work!.task as Push;
    expect([parent, fence]).toEqual([sequence - 1, before.lease.fence]);
    // it passes on, to whoever is next
    const [next] = before.lease.waiting;
    expect(this.state.lease.current).toMatchObject(next ? { holder: next.holder, fence: fence + 1 } : { kind: 'free' });
    expect(this.state.lease.lapsed.some(({ coldkey }) => coldkey === `c${Number(holder.slice(1)) >> 1}`)).toBe(before.lease.lapsed.some(({ coldkey, until }) => coldkey === `c${Number(holder.slice(1)) >> 1}` && until > this.now));
    const adopted = [...this.files.values()].filter((file) => file.rolledBackTo === undefined).map((file) => file.adapter.sha256);
    expect(new Set(adopted).size).toBe(adopted.length);
    this.promotions++;
  }
}

describe('a relayed adapter under whatever happens', () => {
  it.each(Array.from({ length: 8 }, (_, i) => i))('has one holder, growing fences, and never two versions of one number or of one push (seed %i)', (seed) => {
    const drill = new Drill(seed);
    for (let i = 0; i < 900; i++) drill.step();
    // all of it has happened
    expect(drill.promotions).toBeGreaterThan(4);
    expect([drill.rollbacks > 0, drill.late > 2]).toEqual([true, true]);
  });
});

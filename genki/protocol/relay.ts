import type { ObjectRef } from '../store/object-store.ts';
import type { AdapterVersion } from './adapter-version.ts';
import { afterMerge, isOf, nextHanded, whyNoRoom, type Candidate, type Handed, type Merged, type Push } from './candidates.ts';
import type { CurrentAdapter, LeaseStatus, PushAnswer } from './hub.ts';
import { acquire, emptyLeaseState, hear as hearLease, holds, leaseEndsAt, pin, release, renew, tick as tickLease, unpin, type Holder, type LeaseAnswer, type LeaseState, type LeaseTiming } from './lease.ts';

/**
 * One adapter that goes from miner to miner under a lease, as a pure state machine: who may train it, which version is
 * current, and what becomes of what is pushed. No clock, no imports but types, the lease and the candidates, so that a workflow can run it.
 * 1. A push counts with the fence of the lease that its holder has, and from the version that is current. Any other one of
 *    somebody who did hold that lease is late: it becomes a candidate for the next merge, and is copied from its author's
 *    bucket at once. What cannot be is dropped, and whoever asks is told so.
 * 2. One thing is at work at a time, a push or a rollback. While a push is judged its lease does not pass on, though its
 *    time ends; not judged within `promotionMs`, it is late, and the lease goes by its own time again.
 * 3. Whoever judged asks before anything is published. From that answer on the version is to be published, however often
 *    it takes; so no two versions have one number, and none is published that nobody waits for.
 * 4. A published version is current, and its author's lease passes on. A refused push leaves the lease as it was.
 * 5. The same adapter pushed again under the same fence is the same push, and has the same answer.
 * 6. A version that is there is current, whoever has published it: somebody may have begun before this relay did. What was to
 *    have its number is late.
 * 7. Whoever is granted the lease is handed the oldest late result that is to be trained again, to begin with. It is handed on
 *    until a version came of it, or what came of it was refused.
 * 8. Miners come through one door, which may be away, and then nobody is heard: silence and grants go by the lease's rule 7.
 */
export type RelayRules = {
  readonly timing: LeaseTiming;
  /** From a push, all attempts to judge it together. */
  readonly promotionMs: number;
  /** Late results that wait for the next merge. */
  readonly maxCandidates: number;
};

/** An hour: judging takes seconds with the small model, minutes with a large one, and whoever judges may be started again. */
export const PROMOTION_MS = 60 * 60_000;

/** A version that is published. */
export type CurrentVersion = NonNullable<CurrentAdapter['version']>;

/** What can become a version: an adapter that was pushed, or the content of an earlier version. */
export type Task = ({ readonly kind: 'push'; /** its holder wants to go, whatever becomes of it */ readonly leaves: boolean; /** sha256 of the late result that its holder was handed to begin with */ readonly refines: string | null } & Push) | { readonly kind: 'rollback'; readonly to: number };

/** What is at work; each attempt has another number. */
export type Work = { readonly task: Task; readonly attempt: number; readonly since: number } & ({ readonly step: 'judging' } | { readonly step: 'publishing'; readonly version: AdapterVersion });

export type Verdict =
  | { readonly kind: 'accepted'; readonly version: AdapterVersion }
  | { readonly kind: 'refused'; readonly reason: string }
  /** Nothing is wrong with it, but it is for another Dama or version. */
  | { readonly kind: 'late'; readonly reason: string };

/** What whoever judged an attempt is to do with it: publish the version, or nothing more; `gone`: nobody waits for it any more. */
export type Settled = 'publish' | 'done' | 'gone';

/** What became of fetching a candidate. */
export type Copied = { readonly kind: 'kept'; readonly adapter: ObjectRef } | { readonly kind: 'refused'; readonly reason: string };

type Decided = Exclude<PushAnswer, { kind: 'evaluating' }>;
type Outcome = Pick<Push, 'holder' | 'fence'> & { readonly sha256: string; readonly answer: Decided };

/** All that is carried from one run of the workflow to the next; plain JSON. */
export type RelayState = {
  readonly lease: LeaseState;
  /** None before the first. */
  readonly version: CurrentVersion | null;
  readonly work: Work | null;
  /** Begun so far. */
  readonly attempts: number;
  /** First come first. */
  readonly candidates: readonly Candidate[];
  /** What became of pushes, newest last. */
  readonly outcomes: readonly Outcome[];
  /** Who had the newest leases, newest last. */
  readonly grants: readonly Holder[];
  /** What the holder of this fence was handed to begin with. */
  readonly handed: (Handed & { readonly fence: number }) | null;
  /** Why the last rollback came to nothing. */
  readonly rollbackRefused: string | null;
};

export type RollbackAnswer = { readonly kind: 'begun' } | { readonly kind: 'refused'; readonly reason: string };

/** Leases that are remembered, with what was pushed under them. */
const GRANTS = 128;
/** Judged under one lease. */
const PUSHES = 4;
const FOREVER = Number.MAX_SAFE_INTEGER;

/** The name under which an adapter's relay runs, on the hub alone. */
export const relayName = (adapterId: string): string => `relay/${adapterId}`;

/** The name under which an adapter's bases are made and rolled back: one thing at a time, whoever begins it. */
export const basesName = (adapterId: string): string => `pretrain/${adapterId}`;

/** @param version the newest that there is, where an adapter's workflow begins anew */
export const newRelay = (version: { readonly current: CurrentVersion; /** of its author's lease */ readonly fence: number } | null = null): RelayState => ({
  lease: { ...emptyLeaseState, fence: version?.fence ?? 0, heardAt: 0 },
  version: version?.current ?? null,
  work: null,
  attempts: 0,
  candidates: [],
  outcomes: [],
  grants: [],
  handed: null,
  rollbackRefused: null,
});

/** The lease, or a place in the queue; asking again is one ticket. */
export function requestTurn(before: RelayState, request: { readonly holder: string; readonly coldkey: string; readonly now: number }, rules: RelayRules): { readonly state: RelayState; readonly answer: LeaseAnswer } {
  const state = hear(before, request.now, rules);
  const { state: lease, answer } = acquire(state.lease, request, rules.timing);
  return { state: withLease(state, lease), answer };
}

/** Whether the lease is still the holder's. */
export function renewTurn(before: RelayState, held: Holder & { readonly now: number }, rules: RelayRules): { readonly state: RelayState; readonly renewed: boolean } {
  const state = hear(before, held.now, rules);
  const { state: lease, renewed } = renew(state.lease, held, rules.timing);
  return { state: withLease(state, lease), renewed };
}

/** Passes the lease on; while its holder's push is judged, after that. */
export function releaseTurn(before: RelayState, held: Holder & { readonly now: number }, rules: RelayRules): RelayState {
  const state = hear(before, held.now, rules);
  const { work } = state;
  if (work?.task.kind === 'push' && holds(state.lease, held)) return work.task.leaves ? state : { ...state, work: { ...work, task: { ...work.task, leaves: true } } };
  return withLease(state, release(state.lease, held, rules.timing));
}

/** An adapter is handed over: judged, if it is the holder's and made from the current version. */
export function push(before: RelayState, { now, ...pushed }: Push & { readonly now: number }, rules: RelayRules): { readonly state: RelayState; readonly answer: PushAnswer } {
  const state = hear(before, now, rules);
  const known = answerTo(state, pushed);
  if (known) return { state, answer: known };
  const late = whyLate(state, pushed);
  if (late !== undefined) return addCandidate(state, { ...pushed, reason: late, kept: null }, rules);
  // nothing else can be at work but an earlier push under this lease
  if (state.work) return { state, answer: { kind: 'refused', reason: `Expected one push at a time, ${state.work.task.kind === 'push' ? state.work.task.adapter.sha256 : 'another one'} is being judged` } };
  const judged = state.outcomes.filter(({ fence }) => fence === pushed.fence).length;
  if (judged >= PUSHES) return { state, answer: { kind: 'refused', reason: `Expected at most ${PUSHES} pushes under one lease` } };
  const work: Work = { task: { kind: 'push', leaves: false, refines: state.handed?.late ?? null, ...pushed }, attempt: state.attempts + 1, since: now, step: 'judging' };
  return { state: { ...state, work, attempts: work.attempt, lease: pin(state.lease, now + rules.promotionMs) }, answer: { kind: 'evaluating' } };
}

/** What is to become of an attempt's verdict. */
export function settle(before: RelayState, { attempt, verdict, now }: { readonly attempt: number; readonly verdict: Verdict; readonly now: number }, rules: RelayRules): { readonly state: RelayState; readonly then: Settled } {
  const state = tick(before, now, rules);
  const { work } = state;
  if (work?.attempt !== attempt) return { state, then: 'gone' };
  if (work.step === 'publishing') return { state, then: 'publish' };
  if (verdict.kind !== 'accepted') return { state: end(state, { answer: verdict, now }, rules), then: 'done' };
  const { version } = verdict;
  if (version.sequence !== sequenceOf(state) + 1) return { state: end(state, { answer: { kind: 'late', reason: `Expected version ${sequenceOf(state) + 1}, got ${version.sequence}` }, now }, rules), then: 'done' };
  const lease = work.task.kind === 'push' ? pin(state.lease, FOREVER) : state.lease;
  return { state: { ...state, lease, work: { ...work, step: 'publishing', version } }, then: 'publish' };
}

/** The next version is there: the one that was to be published, or another one of its number. */
export function published(before: RelayState, { version, now }: { readonly version: CurrentVersion; readonly now: number }, rules: RelayRules): RelayState {
  const state = tick(before, now, rules);
  const { work } = state;
  if (version.sequence !== sequenceOf(state) + 1) return state;
  const after = { ...state, version };
  if (work?.step !== 'publishing') return after;
  const isIt = work.version.adapter.sha256 === version.adapter.sha256;
  return end(after, { answer: isIt ? { kind: 'promoted', sequence: version.sequence } : { kind: 'late', reason: `Expected to be version ${version.sequence}, another one is` }, now }, rules);
}

/** Nobody works at this attempt any more: another one is begun. */
export function vanished(before: RelayState, { attempt, now }: { readonly attempt: number; readonly now: number }, rules: RelayRules): RelayState {
  const state = tick(before, now, rules);
  const { work } = state;
  if (work?.attempt !== attempt) return state;
  return { ...state, attempts: state.attempts + 1, work: { ...work, attempt: state.attempts + 1 } };
}

/** Makes the content of an earlier version the next one; not while something is judged. */
export function rollback(before: RelayState, { to, now }: { readonly to: number; readonly now: number }, rules: RelayRules): { readonly state: RelayState; readonly answer: RollbackAnswer } {
  const state = tick(before, now, rules);
  const refused = (reason: string): { state: RelayState; answer: RollbackAnswer } => ({ state, answer: { kind: 'refused', reason } });
  const { task } = state.work ?? {};
  if (task?.kind === 'rollback' && task.to === to) return { state, answer: { kind: 'begun' } };
  if (task) return refused(task.kind === 'push' ? `Expected nothing to be judged, ${task.holder}'s push is` : `Expected nothing to be at work, a rollback to version ${task.to} is`);
  if (!(Number.isSafeInteger(to) && to >= 1 && to < sequenceOf(state))) return refused(`Expected a version before the current one, ${sequenceOf(state)}, got ${to}`);
  const work: Work = { task: { kind: 'rollback', to }, attempt: state.attempts + 1, since: now, step: 'judging' };
  return { state: { ...state, work, attempts: work.attempt, rollbackRefused: null }, answer: { kind: 'begun' } };
}

/** A candidate was copied, or cannot be. */
export function copied(state: RelayState, candidate: Candidate, copy: Copied): RelayState {
  const isIt = isOf(candidate);
  const known = state.candidates.find(isIt);
  if (!known) return state;
  if (copy.kind === 'kept') return { ...state, candidates: state.candidates.map((one) => (isIt(one) ? { ...one, kept: copy.adapter } : one)) };
  return drop(state, known, copy.reason);
}

/** Candidates that a merge has taken are no candidates any more; where that has made a new base, what was handed out for the one before is late now. */
export function merged(state: RelayState, taken: Merged): RelayState {
  if (taken.again) return { ...state, candidates: afterMerge(state.candidates, taken), handed: null };
  const candidates = state.candidates.filter(({ adapter }) => !taken.adapters.includes(adapter.sha256));
  return candidates.length < state.candidates.length ? { ...state, candidates } : state;
}

/** Somebody is heard at the door, be it with a question that changes nothing. */
export function hear(before: RelayState, now: number, rules: RelayRules): RelayState {
  const state = tick(before, now, rules);
  return withLease(state, hearLease(state.lease, now, rules.timing));
}

/** What the passing of time does. */
export function tick(before: RelayState, now: number, rules: RelayRules): RelayState {
  const { work } = before;
  const overdueAt = work?.step === 'judging' ? work.since + rules.promotionMs : Infinity;
  const reason = `not judged within ${rules.promotionMs / 1000} s`;
  const state = now > overdueAt ? end(before, { answer: { kind: 'late', reason }, now, heardAt: overdueAt }, rules) : before;
  return withLease(state, tickLease(state.lease, now, rules.timing));
}

/** The next moment at which time alone changes something; undefined when none does. */
export function relayEndsAt({ lease, work }: RelayState, { timing, promotionMs }: RelayRules): number | undefined {
  const moments = [leaseEndsAt(lease, timing), work?.step === 'judging' ? work.since + promotionMs : undefined].filter((moment) => moment !== undefined);
  return moments.length === 0 ? undefined : Math.min(...moments);
}

/** How a hotkey stands with the adapter. */
export function statusOf(state: RelayState, holder: string): LeaseStatus {
  const { lease, version, work } = state;
  const push = work?.task.kind === 'push' && work.task.holder === holder ? ({ kind: 'evaluating' } as const) : state.outcomes.findLast((outcome) => outcome.holder === holder)?.answer;
  return { state: standing(lease, holder), fence: lease.fence, waiting: lease.waiting.length, version: version?.sequence ?? 0, ...(push && { push }) };
}

const sequenceOf = ({ version }: RelayState): number => version?.sequence ?? 0;

function standing({ current, waiting, lapsed }: LeaseState, holder: string): LeaseStatus['state'] {
  if (current.kind === 'held' && current.holder === holder) return { kind: 'granted', fence: current.fence, expiresAt: current.expiresAt };
  const place = waiting.findIndex((ticket) => ticket.holder === holder);
  if (place >= 0) return { kind: 'queued', position: place + 1 };
  const bar = lapsed.find(({ coldkey }) => coldkey === holder);
  return bar ? { kind: 'barred', until: bar.until } : { kind: 'none' };
}

const isSame = (a: Pick<Push, 'holder' | 'fence'> & { readonly sha256: string }, b: Push): boolean => a.holder === b.holder && a.fence === b.fence && a.sha256 === b.adapter.sha256;

/** What was already said to the same push. */
function answerTo({ work, outcomes }: RelayState, pushed: Push): PushAnswer | undefined {
  if (work?.task.kind === 'push' && isSame({ ...work.task, sha256: work.task.adapter.sha256 }, pushed)) return { kind: 'evaluating' };
  return outcomes.find((outcome) => isSame(outcome, pushed))?.answer;
}

function whyLate(state: RelayState, pushed: Push): string | undefined {
  const { lease, work } = state;
  if (!holds(lease, pushed)) return `Expected the fence of a lease that is still held, got ${pushed.fence}: the adapter passed on, its fence is ${lease.fence} by now`;
  if (pushed.parent !== sequenceOf(state)) return `Expected an adapter made from version ${sequenceOf(state)}, the current one, got one made from version ${pushed.parent}`;
  return work?.task.kind === 'rollback' ? `Expected an adapter made from the current version, which is being rolled back to version ${work.task.to}` : undefined;
}

/** A late result waits for the next merge: one of each lease, as many as there is room for. */
function addCandidate(state: RelayState, candidate: Candidate, { maxCandidates }: RelayRules): { state: RelayState; answer: Decided } {
  const { holder, fence, reason } = candidate;
  const refused = (why: string): { state: RelayState; answer: Decided } => ({ state, answer: { kind: 'refused', reason: `${reason}. It is not kept for the next merge, either: ${why}` } });
  if (!state.grants.some((grant) => grant.holder === holder && grant.fence === fence)) return refused(`no lease with this fence is known to have been ${holder}'s`);
  const full = whyNoRoom(state.candidates, candidate, maxCandidates);
  if (full !== undefined) return refused(full);
  const answer: Decided = { kind: 'late', reason };
  return { state: remember({ ...state, candidates: [...state.candidates, candidate] }, candidate, answer), answer };
}

/** A candidate that is none any more; whoever asks is told why. */
function drop(state: RelayState, candidate: Candidate, why: string): RelayState {
  const answer: Decided = { kind: 'refused', reason: `${candidate.reason}. It is not kept for the next merge, either: ${why}` };
  const outcomes = state.outcomes.map((outcome) => (isSame(outcome, candidate) ? { ...outcome, answer } : outcome));
  return { ...state, candidates: state.candidates.filter((one) => one !== candidate), outcomes };
}

/** What was handed out has become a version, or came to nothing; if it came late, somebody else is handed it. */
function refined(state: RelayState, { refines, holder }: Extract<Task, { kind: 'push' }>, answer: Decided): RelayState {
  const handed = state.candidates.find(({ again, adapter }) => again && adapter.sha256 === refines);
  if (!handed || answer.kind === 'late') return state;
  return answer.kind === 'refused' ? drop(state, handed, `trained again by ${holder} it was refused: ${answer.reason}`) : { ...state, candidates: state.candidates.filter((one) => one !== handed) };
}

const remember = (state: RelayState, { holder, fence, adapter }: Push, answer: Decided): RelayState => ({ ...state, outcomes: [...state.outcomes, { holder, fence, sha256: adapter.sha256, answer }] });

/** The work is over: its lease goes by its own time again, and passes on after a promotion. */
function end(before: RelayState, { answer, now, heardAt = now }: { answer: Decided; now: number; heardAt?: number }, rules: RelayRules): RelayState {
  const { task } = before.work!;
  const idle: RelayState = { ...before, work: null };
  if (task.kind === 'rollback') return answer.kind === 'promoted' ? idle : { ...idle, rollbackRefused: answer.reason };
  const { kind: _, leaves, refines: __, ...pushed } = task;
  const isOver = leaves || answer.kind === 'promoted';
  const rest = refined(idle, task, answer);
  // released while it is pinned: whoever is promoted after its time has not let it lapse
  const lease = isOver ? release(rest.lease, { ...pushed, now }, rules.timing) : unpin(rest.lease, heardAt);
  const free = withLease(rest, lease);
  if (answer.kind !== 'late') return remember(free, pushed, answer);
  const kept = addCandidate(free, { ...pushed, reason: answer.reason, kept: null }, rules);
  return kept.answer.kind === 'late' ? kept.state : remember(free, pushed, kept.answer);
}

/** Remembers who is granted a lease, and forgets what was long ago. */
function withLease(state: RelayState, lease: LeaseState): RelayState {
  if (lease === state.lease) return state;
  const { current, fence } = lease;
  if (current.kind === 'free') return { ...state, lease, handed: null };
  if (fence === state.lease.fence) return { ...state, lease };
  const isKept = (one: { readonly fence: number }): boolean => one.fence > fence - GRANTS;
  const handed = nextHanded(state.candidates);
  return { ...state, lease, handed: handed && { ...handed, fence }, grants: [...state.grants, { holder: current.holder, fence }].filter(isKept), outcomes: state.outcomes.filter(isKept) };
}

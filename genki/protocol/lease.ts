/**
 * The lease on one adapter, as a pure state machine: whoever holds it may train and push it. No clock, no imports, so
 * that a workflow can run it. The rules (protocol §6):
 * 1. One holder. The lease ends strictly after `leaseMs` from its grant; a renewal proves life and never moves that end.
 * 2. It ends early when the holder releases it, is known to be gone, or has been silent for longer than two checks.
 * 3. Tickets are served first come, first served; asking twice is one ticket; a coldkey has one ticket or the lease.
 * 4. Each grant raises the fence, and nothing else does: what is pushed with a lower one comes from a lost lease.
 * 5. Whoever ends a lease otherwise than by releasing it waits `lapseWaitMs` before asking again.
 * 6. While it is pinned, because what its holder pushed is being judged, it ends for none of these reasons.
 * 7. Where all come through one door (`hear`), silence is found only when somebody is heard: who hears nobody for longer than
 *    a check was away, not they. Silence then begins anew, and so does a lease that was granted meanwhile; one whose three
 *    hours ended meanwhile is over, but its holder need not wait.
 * Every transition first lets pass what time has ended. All times are milliseconds of the server's clock.
 */

export type LeaseTiming = {
  /** From the grant. */
  readonly leaseMs: number;
  /** Between two renewals; two missed ones free the adapter. */
  readonly checkMs: number;
  /** After a lapse. */
  readonly lapseWaitMs: number;
};

export const LEASE_TIMING: LeaseTiming = Object.freeze({ leaseMs: 3 * 60 * 60_000, checkMs: 5 * 60_000, lapseWaitMs: 30 * 60_000 });

/** A place in the queue. Without a coldkey the holder stands for itself. */
export type Ticket = { readonly holder: string; readonly coldkey: string };

export type Grant = Ticket & { readonly fence: number; readonly grantedAt: number; readonly provedAt: number; readonly expiresAt: number; /** while it is pinned */ readonly pinnedUntil?: number };

/** All that is carried from one run of the workflow to the next; plain JSON. */
export type LeaseState = {
  /** Of the newest grant; 0 before the first. */
  readonly fence: number;
  readonly current: { readonly kind: 'free' } | ({ readonly kind: 'held' } & Grant);
  /** First come first. */
  readonly waiting: readonly Ticket[];
  readonly lapsed: readonly { readonly coldkey: string; readonly until: number }[];
  /** When anybody was heard last, where all come through a door; none where holders cannot but be heard. */
  readonly heardAt?: number;
};

/** Who says to hold a lease, and the fence it was granted with. */
export type Holder = { readonly holder: string; readonly fence: number };

export type LeaseAnswer =
  | { readonly kind: 'granted'; readonly fence: number; readonly expiresAt: number }
  /** 1 is next. */
  | { readonly kind: 'queued'; readonly position: number }
  /** It let its last lease lapse. */
  | { readonly kind: 'barred'; readonly until: number }
  /** Its coldkey has a ticket, or the lease, through another holder. */
  | { readonly kind: 'taken'; readonly by: string };

export const emptyLeaseState: LeaseState = { fence: 0, current: { kind: 'free' }, waiting: [], lapsed: [] };

/** The grant, or a place in the queue. Asking again answers again and changes nothing. */
export function acquire(
  before: LeaseState,
  request: { readonly holder: string; readonly coldkey?: string; readonly now: number },
  timing: LeaseTiming = LEASE_TIMING,
): { readonly state: LeaseState; readonly answer: LeaseAnswer } {
  const { holder, coldkey = holder, now } = request;
  const state = tick(before, now, timing);
  const known = answerFor(state, { holder, coldkey });
  if (known) return { state, answer: known };
  const next = grantNext({ ...state, waiting: [...state.waiting, { holder, coldkey }] }, now, timing);
  return { state: next, answer: answerFor(next, { holder, coldkey })! }; // it has the lease or the last ticket now
}

/** Whether the holder still holds the lease of this fence; if so, it has proved to be alive. */
export function renew(
  before: LeaseState,
  { holder, fence, now }: { readonly holder: string; readonly fence: number; readonly now: number },
  timing: LeaseTiming = LEASE_TIMING,
): { readonly state: LeaseState; readonly renewed: boolean } {
  const state = tick(before, now, timing);
  const { current } = state;
  if (!holds(state, { holder, fence }) || current.kind === 'free') return { state, renewed: false };
  return { state: { ...state, current: { ...current, provedAt: Math.max(current.provedAt, now) } }, renewed: true };
}

/** Passes the lease on. Releasing one that is not held, or not any more, changes nothing. */
export function release(
  before: LeaseState,
  { holder, fence, now }: { readonly holder: string; readonly fence: number; readonly now: number },
  timing: LeaseTiming = LEASE_TIMING,
): LeaseState {
  const state = tick(before, now, timing);
  return holds(state, { holder, fence }) ? grantNext({ ...state, current: { kind: 'free' } }, now, timing) : state;
}

/** Frees what a holder that ended has left: its lease, which counts as lapsed, or its ticket. */
export function holderGone(
  before: LeaseState,
  { holder, now }: { readonly holder: string; readonly now: number },
  timing: LeaseTiming = LEASE_TIMING,
): LeaseState {
  const state = tick(before, now, timing);
  const { current } = state;
  if (current.kind === 'held' && current.holder === holder) return grantNext(lapse(state, now, timing), now, timing);
  const waiting = state.waiting.filter((ticket) => ticket.holder !== holder);
  return waiting.length < state.waiting.length ? { ...state, waiting } : state;
}

/** What it does that somebody is heard at the door, whoever it is. */
export function hear(before: LeaseState, now: number, timing: LeaseTiming = LEASE_TIMING): LeaseState {
  const { heardAt = -Infinity, current, ...rest } = tick(before, now, timing);
  const wasAway = now - heardAt > timing.checkMs;
  const heard = { ...rest, current, heardAt: now };
  if (!wasAway || current.kind === 'free') return tick(heard, now, timing);
  const begins = current.grantedAt > heardAt ? { grantedAt: now, expiresAt: now + timing.leaseMs } : {};
  return { ...heard, current: { ...current, ...begins, provedAt: now } };
}

/** What the passing of time does: ends a lease that is over or silent, forgets old lapses, serves the next ticket. */
export function tick(before: LeaseState, now: number, timing: LeaseTiming = LEASE_TIMING): LeaseState {
  const isOver = before.current.kind === 'held' && now > endsAt(before.current, before, timing);
  const state = isOver ? lapse(before, now, timing) : before;
  const isForgotten = ({ until }: { until: number }): boolean => until <= now;
  const lapsed = state.lapsed.some(isForgotten) ? state.lapsed.filter((entry) => !isForgotten(entry)) : state.lapsed;
  return grantNext(lapsed === state.lapsed ? state : { ...state, lapsed }, now, timing);
}

/** The last moment of the current lease if nothing more is heard of its holder; undefined when it is free. */
export function leaseEndsAt(state: LeaseState, timing: LeaseTiming = LEASE_TIMING): number | undefined {
  return state.current.kind === 'held' ? endsAt(state.current, state, timing) : undefined;
}

/** Keeps the lease from ending before a moment. Of one that is free nothing changes. */
export function pin(state: LeaseState, until: number): LeaseState {
  const { current } = state;
  return current.kind === 'held' ? { ...state, current: { ...current, pinnedUntil: until } } : state;
}

/** Lets it end again, by the time that it was granted until; the holder was heard of until this moment. */
export function unpin(state: LeaseState, now: number): LeaseState {
  const { current } = state;
  if (current.kind === 'free' || current.pinnedUntil === undefined) return state;
  const { pinnedUntil: _, ...grant } = current;
  return { ...state, current: { ...grant, provedAt: Math.max(grant.provedAt, now) } };
}

/** Whether a push with this fence is the holder's. Time is not looked at: `tick` first. */
export function holds({ current }: LeaseState, { holder, fence }: { readonly holder: string; readonly fence: number }): boolean {
  return current.kind === 'held' && current.holder === holder && current.fence === fence;
}

function endsAt({ grantedAt, provedAt, expiresAt, pinnedUntil = -Infinity }: Grant, { heardAt = Infinity }: Pick<LeaseState, 'heardAt'>, { checkMs }: LeaseTiming): number {
  const overAt = heardAt >= grantedAt ? expiresAt : Infinity;
  const silentAt = provedAt + 2 * checkMs;
  return Math.max(pinnedUntil, Math.min(overAt, heardAt > silentAt ? silentAt : Infinity));
}

function answerFor({ current, waiting, lapsed }: LeaseState, { holder, coldkey }: Ticket): LeaseAnswer | undefined {
  if (current.kind === 'held' && current.coldkey === coldkey) {
    if (current.holder !== holder) return { kind: 'taken', by: current.holder };
    return { kind: 'granted', fence: current.fence, expiresAt: current.expiresAt };
  }
  const place = waiting.findIndex((ticket) => ticket.coldkey === coldkey);
  const ticket = waiting[place];
  if (ticket) return ticket.holder === holder ? { kind: 'queued', position: place + 1 } : { kind: 'taken', by: ticket.holder };
  const bar = lapsed.find((entry) => entry.coldkey === coldkey);
  return bar && { kind: 'barred', until: bar.until };
}

/** The wait counts from the moment the lease ended, however late that was noticed. */
function lapse(state: LeaseState, now: number, timing: LeaseTiming): LeaseState {
  const { current, lapsed, heardAt = Infinity } = state;
  if (current.kind === 'free') return state;
  const endedAt = Math.min(now, endsAt(current, state, timing));
  const free: LeaseState = { ...state, current: { kind: 'free' } };
  const couldBeHeard = endedAt - heardAt <= timing.checkMs;
  return couldBeHeard ? { ...free, lapsed: [...lapsed, { coldkey: current.coldkey, until: endedAt + timing.lapseWaitMs }] } : free;
}

function grantNext(state: LeaseState, now: number, { leaseMs }: LeaseTiming): LeaseState {
  const [next, ...waiting] = state.waiting;
  if (state.current.kind === 'held' || !next) return state;
  const fence = state.fence + 1;
  return { ...state, fence, waiting, current: { kind: 'held', ...next, fence, grantedAt: now, provedAt: now, expiresAt: now + leaseMs } };
}

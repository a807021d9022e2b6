import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { acquire, emptyLeaseState, holderGone, holds, LEASE_TIMING, leaseEndsAt, release, renew, tick, type LeaseAnswer, type LeaseState } from '../../../genki/protocol/lease.ts';
import { Random } from '../../../genki/protocol/random.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const start = 1_700_000_000_000;

/** The lease held by `a` from the start, and the others waiting in order. */
function heldBy(a: string, ...waiting: string[]): LeaseState {
  return [a, ...waiting].reduce((state, holder) => acquire(state, { holder, now: start }).state, emptyLeaseState);
}

/** Renews at every check until, and including, a moment. */
function renewedUntil(state: LeaseState, holder: string, until: number): LeaseState {
  for (let now = start; now <= until; now += LEASE_TIMING.checkMs) state = renew(state, { holder, fence: state.fence, now }).state;
  return state;
}

const holderOf = ({ current }: LeaseState): string | undefined => (current.kind === 'held' ? current.holder : undefined);

describe('adapter lease', () => {
  it('goes to the first who asks, with fence 1, for three hours', () => {
    const { state, answer } = acquire(emptyLeaseState, { holder: 'a', now: start });
    expect(answer).toEqual({ kind: 'granted', fence: 1, expiresAt: start + 3 * HOUR });
    expect(holds(state, { holder: 'a', fence: 1 })).toBe(true);
    expect([holds(state, { holder: 'b', fence: 1 }), holds(state, { holder: 'a', fence: 0 }), holds(emptyLeaseState, { holder: 'a', fence: 0 })]).toEqual([false, false, false]);
  });

  it('queues the others in the order of asking, each once however often it asks', () => {
    let state = heldBy('a', 'b', 'c');
    const ask = (holder: string): LeaseAnswer => {
      const next = acquire(state, { holder, now: start + 1 });
      state = next.state;
      return next.answer;
    };
    expect(['b', 'c', 'b', 'c', 'a', 'd'].map(ask)).toEqual([
      { kind: 'queued', position: 1 },
      { kind: 'queued', position: 2 },
      { kind: 'queued', position: 1 },
      { kind: 'queued', position: 2 },
      { kind: 'granted', fence: 1, expiresAt: start + 3 * HOUR },
      { kind: 'queued', position: 3 },
    ]);
    const served: (string | undefined)[] = [];
    for (const holder of ['a', 'b', 'c', 'd']) {
      state = release(state, { holder, fence: state.fence, now: start + 2 });
      served.push(holderOf(state));
    }
    expect(served).toEqual(['b', 'c', 'd', undefined]);
    expect(state.fence).toBe(4);
  });

  it('ends strictly after three hours, however often it was renewed', () => {
    const state = renewedUntil(heldBy('a', 'b'), 'a', start + 3 * HOUR);
    expect(leaseEndsAt(state)).toBe(start + 3 * HOUR);
    expect(holderOf(tick(state, start + 3 * HOUR))).toBe('a');
    const after = tick(state, start + 3 * HOUR + 1);
    expect([holderOf(after), after.fence]).toEqual(['b', 2]);
    expect(renew(after, { holder: 'a', fence: 1, now: start + 3 * HOUR + 1 }).renewed).toBe(false);
  });

  it('ends early when two renewals were missed', () => {
    const state = heldBy('a', 'b');
    expect(holderOf(tick(state, start + 10 * MINUTE))).toBe('a');
    expect(holderOf(tick(state, start + 10 * MINUTE + 1))).toBe('b');
    const renewed = renew(state, { holder: 'a', fence: 1, now: start + 9 * MINUTE }).state;
    expect(leaseEndsAt(renewed)).toBe(start + 19 * MINUTE);
  });

  it('is not renewed too late, by another, or with an older fence', () => {
    const state = heldBy('a', 'b');
    expect(renew(state, { holder: 'a', fence: 1, now: start + 10 * MINUTE + 1 }).renewed).toBe(false);
    expect(renew(state, { holder: 'b', fence: 1, now: start }).renewed).toBe(false);
    const again = acquire(release(heldBy('a'), { holder: 'a', fence: 1, now: start }), { holder: 'a', now: start }).state;
    expect(renew(again, { holder: 'a', fence: 1, now: start }).renewed).toBe(false);
    expect(renew(again, { holder: 'a', fence: 2, now: start }).renewed).toBe(true);
  });

  it('is released by its holder only; late and strange releases change nothing', () => {
    const state = heldBy('a', 'b');
    for (const [holder, fence] of [['b', 1], ['a', 0], ['a', 2], ['c', 1]] as const) expect(release(state, { holder, fence, now: start + 1 })).toBe(state);
    const next = release(state, { holder: 'a', fence: 1, now: start + 1 });
    expect(release(next, { holder: 'a', fence: 1, now: start + 2 })).toBe(next);
  });

  it('keeps whoever let it lapse waiting for half an hour from its end, even if that was noticed late', () => {
    const late = start + 20 * MINUTE;
    const state = tick(heldBy('a', 'b'), late);
    const until = start + 40 * MINUTE;
    expect(acquire(state, { holder: 'a', now: late }).answer).toEqual({ kind: 'barred', until });
    expect(acquire(state, { holder: 'a', now: until - 1 }).answer).toMatchObject({ kind: 'barred' });
    expect(acquire(state, { holder: 'a', now: until }).answer).toMatchObject({ kind: 'granted', fence: 3 });
  });

  it('asks nobody to wait who released it', () => {
    const state = release(heldBy('a'), { holder: 'a', fence: 1, now: start + HOUR / 12 });
    expect(acquire(state, { holder: 'a', now: start + HOUR / 12 }).answer).toMatchObject({ kind: 'granted', fence: 2 });
  });

  it('is freed when its holder is gone, and so is a place in the queue', () => {
    const state = holderGone(heldBy('a', 'b', 'c'), { holder: 'b', now: start + 1 });
    expect(state.waiting).toEqual([{ holder: 'c', coldkey: 'c' }]);
    const next = holderGone(state, { holder: 'a', now: start + 2 });
    expect([holderOf(next), next.fence]).toEqual(['c', 2]);
    expect(acquire(next, { holder: 'a', now: start + 3 }).answer).toEqual({ kind: 'barred', until: start + 2 + 30 * MINUTE });
    expect(holderGone(next, { holder: 'nobody', now: start + 3 })).toBe(next);
  });

  it('gives one coldkey one ticket or the lease, whichever of its hotkeys asks', () => {
    let state = acquire(emptyLeaseState, { holder: 'a-1', coldkey: 'A', now: start }).state;
    const second = acquire(state, { holder: 'a-2', coldkey: 'A', now: start });
    expect(second.answer).toEqual({ kind: 'taken', by: 'a-1' });
    state = acquire(second.state, { holder: 'b-1', coldkey: 'B', now: start }).state;
    expect(acquire(state, { holder: 'b-2', coldkey: 'B', now: start }).answer).toEqual({ kind: 'taken', by: 'b-1' });
    expect(state.waiting).toHaveLength(1);
    state = tick(state, start + 11 * MINUTE);
    expect(acquire(state, { holder: 'a-2', coldkey: 'A', now: start + 11 * MINUTE }).answer).toMatchObject({ kind: 'barred' });
  });

  it('returns the same state when nothing happens', () => {
    const state = heldBy('a', 'b');
    expect(tick(state, start + MINUTE)).toBe(state);
    expect(acquire(state, { holder: 'b', now: start + MINUTE }).state).toBe(state);
  });

  it('imports nothing, so that a workflow can run it', () => {
    expect(readFileSync(new URL('../../../genki/protocol/lease.ts', import.meta.url), 'utf8')).not.toMatch(/^import|require\(|Date\.|Math\.random/m);
  });
});

const TIMING = { leaseMs: 23, checkMs: 4, lapseWaitMs: 9 };

/** The same rules told naively: counters that go up and down by one each millisecond. */
class Counting {
  fence = 0;
  held: { holder: string; coldkey: string; age: number; silence: number } | undefined;
  queue: { holder: string; coldkey: string }[] = [];
  readonly barred = new Map<string, number>();

  millisecond(): void {
    for (const [coldkey, left] of this.barred) if (left <= 1) this.barred.delete(coldkey);
    else this.barred.set(coldkey, left - 1);
    if (!this.held) return;
    this.held.age++;
    this.held.silence++;
    if (this.held.age > TIMING.leaseMs || this.held.silence > 2 * TIMING.checkMs) this.lapse(TIMING.lapseWaitMs - 1);
  }

  ask(holder: string, coldkey: string): string {
    if (this.held?.coldkey === coldkey) return this.held.holder === holder ? `granted ${this.fence}` : `taken ${this.held.holder}`;
    const place = this.queue.findIndex((one) => one.coldkey === coldkey);
    if (place >= 0) return this.queue[place]!.holder === holder ? `queued ${place + 1}` : `taken ${this.queue[place]!.holder}`;
    if (this.barred.has(coldkey)) return 'barred';
    this.queue.push({ holder, coldkey });
    this.serve();
    return this.ask(holder, coldkey);
  }

  renew(holder: string, fence: number): boolean {
    if (this.held?.holder !== holder || this.fence !== fence) return false;
    this.held.silence = 0;
    return true;
  }

  release(holder: string, fence: number): void {
    if (this.held?.holder !== holder || this.fence !== fence) return;
    this.held = undefined;
    this.serve();
  }

  gone(holder: string): void {
    if (this.held?.holder === holder) this.lapse(TIMING.lapseWaitMs);
    else this.queue = this.queue.filter((one) => one.holder !== holder);
  }

  lapse(wait: number): void {
    this.barred.set(this.held!.coldkey, wait);
    this.held = undefined;
    this.serve();
  }

  serve(): void {
    const next = this.held ? undefined : this.queue.shift();
    if (!next) return;
    this.held = { ...next, age: 0, silence: 0 };
    this.fence++;
  }
}

const told = (answer: LeaseAnswer): string => {
  switch (answer.kind) {
    case 'granted':
      return `granted ${answer.fence}`;
    case 'queued':
      return `queued ${answer.position}`;
    case 'taken':
      return `taken ${answer.by}`;
    case 'barred':
      return 'barred';
  }
};

describe('adapter lease against a naive model', () => {
  it.each(Array.from({ length: 20 }, (_, i) => i))('says and does the same for 1,500 ms (seed %i)', (seed) => {
    const random = new Random(`lease ${seed}`);
    const model = new Counting();
    let state = emptyLeaseState;
    for (let now = 1; now <= 1500; now++) {
      model.millisecond();
      state = tick(state, now, TIMING);
      const holder = `h${random.int(6)}`;
      const coldkey = `c${Number(holder.slice(1)) >> 1}`;
      const fence = random.chance(0.8) ? model.fence : random.int(model.fence + 2);
      const op = random.int(12);
      if (op < 3) {
        const next = acquire(state, { holder, coldkey, now }, TIMING);
        expect(told(next.answer)).toBe(model.ask(holder, coldkey));
        state = next.state;
      } else if (op < 6) {
        const next = renew(state, { holder: model.held?.holder ?? holder, fence, now }, TIMING);
        expect(next.renewed).toBe(model.renew(model.held?.holder ?? holder, fence));
        state = next.state;
      } else if (op === 6) {
        model.release(holder, fence);
        state = release(state, { holder, fence, now }, TIMING);
      } else if (op === 7 && random.chance(0.3)) {
        model.gone(holder);
        state = holderGone(state, { holder, now }, TIMING);
      } else if (op === 8) {
        state = JSON.parse(JSON.stringify(state)) as LeaseState;
      }
      expect([state.fence, holderOf(state), state.waiting]).toEqual([model.fence, model.held?.holder, model.queue]);
      expect(new Map(state.lapsed.map(({ coldkey: key, until }) => [key, until - now]))).toEqual(model.barred);
    }
    expect(state.fence).toBeGreaterThan(50);
  });
});

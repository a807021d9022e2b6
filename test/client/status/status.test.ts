import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { ask, PATIENCE_MS } from '../../../client/status/answer.ts';
import { diskUse, isNearlyFull } from '../../../client/status/disk.ts';
import { statusLines } from '../../../client/status/show.ts';
import { surveyStatus, type Status } from '../../../client/status/survey.ts';

const home = mkdtempSync(join(tmpdir(), 'genki-status-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));
afterEach(() => { vi.useRealTimers(); });

const linesOf = (status: Status): string => stripVTControlCharacters(statusLines(status, Date.parse('2026-01-01T00:10:00Z')).join('\n'));

describe('a status', () => {
  it('waits for nobody longer than 2 s', async () => {
    vi.useFakeTimers();
    const answer = ask(() => new Promise<never>(() => undefined));
    await vi.advanceTimersByTimeAsync(PATIENCE_MS);
    expect(await answer).toEqual({ ok: false, reason: 'no answer within 2 s' });
    expect(await ask(async () => { throw new Error('no\nsecond line'); })).toEqual({ ok: false, reason: 'no' });
    expect(await ask(async () => 7)).toEqual({ ok: true, value: 7 });
    expect(vi.getTimerCount()).toBe(0);
  });

  it('says what there is where no network has been', async () => {
    const status = await surveyStatus({ GENKI_HOME: join(home, 'nowhere') });
    expect(status).toMatchObject({ isUp: false, services: [], chain: null, queues: null, running: null, disk: null });
    expect(linesOf(status)).toMatch(/The network is down .*nowhere[^]*npm run genki -- up/);
  });

  it('is a screen to read', async () => {
    const hotkey = '5HY6kuXimmLcHxCVXPq33g5DNRLu1puhAKJUr8YheRZEQRBc';
    const status: Status = {
      home: '/home/genki',
      isUp: false,
      services: [{ name: 'temporal', isUp: true, detail: '1.29.1' }, { name: 'gpu worker', isUp: false, detail: 'nobody takes its tasks' }],
      chain: { finalized: 40, epoch: 2, epochStart: 30, nextEpoch: 100, blocksLeft: 60, msLeft: 720_000 },
      queues: [{ name: 'genki', pollers: ['7@here'] }, { name: 'genki-gpu', pollers: [] }, { name: 'w', hotkey, pollers: ['7@here'] }],
      running: [{ workflowId: 'window/1', type: 'trainingWindow', hotkey, phase: 'train', since: '2026-01-01T00:09:00Z' }],
      ended: [{ workflowId: 'round/1', type: 'validationRound', hotkey, outcome: 'settled', at: '2026-01-01T00:00:00Z' }],
      leases: [{ adapter: `rn/${hotkey}`, holder: 'window/1', until: '2026-01-01T03:00:00Z', waiting: 1 }],
      relays: [{ adapter: 'rr', version: 3, holder: hotkey, until: '2026-01-01T01:00:00Z', fence: 5, waiting: ['5Ben', '5Carl'], work: 'judging a push' }],
      schedules: [{ id: 'epoch/1', starts: 'epochTick', paused: true, note: 'holidays', next: null }],
      hub: { url: 'http://127.0.0.1:8400', hub: '5Hub', adapters: [{ adapter: 'rr', version: 3 }, { adapter: 'rx', version: 0 }], clock: { aheadMs: 20, withinMs: 5 } },
      windows: {
        current: { window: 12, step: 'open', deadline: 2072, last: 2079 },
        closed: { window: 11, leader: '5Vera', rank: 1, peers: [hotkey, '5Ben'], refused: [{ hotkey: '5Carl', reason: 'Expected work of its own' }], models: { there: 2, same: 2 } },
      },
      dama: { digest: 'abc=', isFirst: false },
      report: { epoch: 1, accepted: 5, miners: 9 },
      disk: { entries: [{ name: 'store', bytes: 3 * 2 ** 20 }], isWhole: true, freeBytes: 2 ** 29, totalBytes: 2 ** 33 },
      participants: [{ name: 'anna', role: 'miner', hotkey }],
      warnings: ['the disk is nearly full'],
    };
    const text = linesOf(status);
    for (const line of [
      'The network is up in part', 'gpu worker  DOWN  nobody takes its tasks', 'finalized block 40, epoch 2 since block 30; the next in 60 blocks, 12m',
      'Dama abc=; newest report: epoch 1, 5 of 9 miners accepted', 'genki: 7@here · genki-gpu: nobody · wallets: 1 of 1', 'window/1  anna  train  1m ago',
      'round/1  anna  settled  10m ago', 'anna: window/1, until 2026-01-01T03:00:00Z, 1 waiting', 'epoch/1: epochTick, paused: holidays', 'store 3.0 MiB; 512 MiB of 8.0 GiB free', 'the disk is nearly full',
      'rr: version 3, held by anna until 2026-01-01T01:00:00Z, waiting: 5Ben, 5Carl; judging a push', 'rx: version 0', 'window 12 is open: updates are due before block 2072, its last one is 2079',
      'window 11 was closed by 5Vera, who stood in at place 2: anna, 5Ben counted; 2 of 2 validators here have its model', '5Carl: Expected work of its own',
    ]) expect(text).toContain(line);
    expect(text.split('\n').length).toBeLessThan(50);
    expect(isNearlyFull(status.disk!)).toBe(true);
  });

  it('counts what a home takes, a database with its journals as one', async () => {
    mkdirSync(join(home, 'store', 'deep'), { recursive: true });
    for (const [name, bytes] of [['store/one', 1000], ['store/deep/two', 500], ['temporal.db', 10], ['temporal.db-wal', 700]] as const) writeFileSync(join(home, name), Buffer.alloc(bytes));
    expect((await diskUse(home)).entries).toEqual([{ name: 'store', bytes: 1500 }, { name: 'temporal.db', bytes: 710 }]);
  });
});

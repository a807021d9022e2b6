import { connect } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createHubActivities } from '../../activities/hub.ts';
import { createSigner, verifySignature } from '../../genki/chain/keys.ts';
import { ChainUnavailable, LeaseLost } from '../../genki/errors.ts';
import type { HubQuestion } from '../../genki/protocol/hub.ts';
import { signHubRequest } from '../../genki/protocol/hub-request.ts';
import { Counter } from '../../workers/hub/counter.ts';
import { DOOR_LIMITS, openDoor, type Door, type DoorLimits } from '../../workers/hub/door.ts';
import type { Registry } from '../../workers/hub/registry.ts';
import { CURRENT, quickly, SmallDesk, verifyQuickly } from './support/small-desk.ts';

const START = 1_800_000_000_000;
const HUB = 'the hub';
const [anna, ben] = [quickly('anna'), quickly('ben')];
const HOUR = 3_600_000;
const open: Door[] = [];
afterEach(async () => {
  for (const door of open.splice(0)) await door.close();
});

/** A door with a clock of its own, which was opened a minute ago. */
async function hub(options: { limits?: Partial<DoorLimits>; proxies?: number; registry?: Registry } = {}) {
  const clock = { now: START, putBackBy: 0 };
  const said: string[] = [];
  const desk = new SmallDesk(() => clock.now);
  const registered = new Map([['anna', 'cold anna'], ['ben', 'cold ben']]);
  const registry = options.registry ?? { read: async () => registered };
  const deps = { desk, signer: quickly(HUB), verify: verifyQuickly, registry, blockMs: 1000, adapters: new Set(['rr']), now: () => clock.now, elapsed: () => clock.now + clock.putBackBy, say: (line: string) => void said.push(line) };
  const door = await openDoor(deps, { host: '127.0.0.1', port: 0, proxies: options.proxies ?? 0, limits: { drainMs: 200, ...options.limits } });
  open.push(door);
  clock.now += 60_000;
  let count = 0;
  const sign = (question: HubQuestion, signer = anna, now = clock.now): string =>
    new TextDecoder().decode(signHubRequest(question, { audience: HUB, nonce: Buffer.from((++count).toString(16).padStart(32, '0'), 'hex'), now }, signer).bytes);
  const post = async (path: string, body: string, headers: Record<string, string> = {}) => seen(await fetch(`${door.url}${path}`, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } }));
  const get = async (path: string) => seen(await fetch(`${door.url}${path}`));
  return { door, deps, desk, clock, said, registered, sign, post, get };
}
type Seen = { status: number; json: { error?: string; message?: string; body?: { answer: unknown } }; headers: Headers };
const seen = async (response: Response): Promise<Seen> => ({ status: response.status, json: (await response.json()) as Seen['json'], headers: response.headers });

const STATUS: HubQuestion = { action: 'status', adapterId: 'rr' };
const REQUEST: HubQuestion = { action: 'request', adapterId: 'rr' };

/** What comes back over a bare connection until it is closed. */
function raw(door: Door, parts: readonly string[], { endless = false } = {}): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(door.url).port), '127.0.0.1');
    let text = '';
    socket.on('data', (chunk: Buffer) => { text += chunk.toString(); });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(text));
    for (const part of parts) socket.write(part);
    const more = (): void => void (socket.writable && socket.write(`400\r\n${'x'.repeat(1024)}\r\n`, () => setImmediate(more)));
    if (endless) more();
  });
}
const head = (more: string): string => `POST /v1/lease/status HTTP/1.1\r\nhost: hub\r\ncontent-type: application/json\r\n${more}\r\n`;

describe('the hub\'s door', () => {
  it('goes on when its clock is put back, and still takes nothing that was asked before it opened', async () => {
    const { clock, sign, post } = await hub();
    const old = sign(STATUS, anna, clock.now - 70_000);
    clock.now -= HOUR;
    clock.putBackBy += HOUR;
    expect(await post('/v1/lease/status', sign(STATUS))).toMatchObject({ status: 200 });
    expect((await post('/v1/lease/status', old)).status).not.toBe(200);
    clock.now += HOUR;
    clock.putBackBy -= HOUR;
    expect((await post('/v1/lease/status', old)).status).not.toBe(200);
  });

  it('lets a miner ask for the adapter, hold it, push to it and hand it back, by real signatures', async () => {
    const [miner, other, owner] = [createSigner('//miner-1'), createSigner('//miner-2'), createSigner('//hub')];
    const desk = new SmallDesk(Date.now);
    const registry = { read: async () => new Map([[miner.hotkey, 'cold 1'], [other.hotkey, 'cold 2']]) };
    const opened = Date.now() - 10_000;
    let calls = 0;
    const now = (): number => (calls++ === 0 ? opened : Date.now());
    const door = await openDoor({ desk, signer: owner, verify: verifySignature, registry, blockMs: 1000, adapters: new Set(['rr']), now, say: () => undefined }, { host: '127.0.0.1', port: 0, proxies: 0 });
    open.push(door);
    const mine = createHubActivities({ signer: miner, url: door.url, hubHotkey: owner.hotkey });
    const others = createHubActivities({ signer: other, url: `${door.url}/`, hubHotkey: owner.hotkey });
    const adapter = { bucket: 'miner-1', key: 'relay/rr/1/a', sha256: 'ab'.repeat(32), bytes: 9 };

    expect(await mine.requestLease({ adapterId: 'rr' })).toEqual({ kind: 'granted', fence: 1, expiresAt: expect.closeTo(Date.now() + 3 * HOUR, -4) as number });
    expect(desk.coldkeys.get(miner.hotkey)).toBe('cold 1');
    expect(await others.requestLease({ adapterId: 'rr' })).toEqual({ kind: 'queued', position: 1 });
    expect(await mine.currentAdapter({ adapterId: 'rr' })).toEqual(CURRENT);
    await mine.renewLease({ adapterId: 'rr', fence: 1 });
    await expect(others.renewLease({ adapterId: 'rr', fence: 1 })).rejects.toThrow(LeaseLost);
    expect(await mine.pushAdapter({ adapterId: 'rr', fence: 1, parent: 4, adapter })).toEqual({ kind: 'evaluating' });
    expect(desk.pushes).toEqual([{ adapterId: 'rr', fence: 1, parent: 4, adapter }]);
    await expect(others.pushAdapter({ adapterId: 'rr', fence: 1, parent: 4, adapter })).rejects.toThrow(LeaseLost);
    await mine.releaseLease({ adapterId: 'rr', fence: 1 });
    expect(await others.hubStatus({ adapterId: 'rr' })).toMatchObject({ state: { kind: 'granted', fence: 2 }, waiting: 0, version: 4 });
  });

  it('gives the desk the coldkey also of who has registered since the list was read, so that a coldkey has one ticket', async () => {
    const before = new Map([['ben', 'cold']]);
    const after = new Map([...before, ['anna', 'cold']]);
    const { desk, sign, post } = await hub({ registry: { read: async (maxAgeMs) => (maxAgeMs > 1000 ? before : after) } });
    expect(await post('/v1/lease/request', sign(REQUEST))).toMatchObject({ status: 200 });
    expect(desk.coldkeys.get('anna')).toBe('cold');
  });

  it('shows anybody the current version, asking the desk once a second', async () => {
    const { desk, clock, get } = await hub();
    for (let i = 0; i < 3; i++) expect(await get('/v1/current?adapter=rr')).toMatchObject({ status: 200, json: CURRENT });
    expect(desk.asked).toBe(1);
    clock.now += 1000;
    await get('/v1/current?adapter=rr');
    expect(desk.asked).toBe(2);
    expect(await get('/v1/health')).toMatchObject({ status: 200, json: { hub: HUB, adapters: ['rr'], now: clock.now } });
  });

  it('says what is wrong with a request', async () => {
    const { sign, post, get, door, registered, clock } = await hub();
    const valid = sign(STATUS);
    const says = async (path: string, body: string, headers?: Record<string, string>): Promise<unknown[]> => {
      const { status, json } = await post(path, body, headers);
      expect(json.message).toMatch(/^Expected .*got|^Expected .*is not/);
      return [status, json.error];
    };
    expect(await says('/v1/lease/steal', valid)).toEqual([404, 'NotFound']);
    expect(await says('/', valid)).toEqual([404, 'NotFound']);
    expect(await says('/v1/lease/status', valid, { 'content-type': 'text/plain' })).toEqual([415, 'UnsupportedMediaType']);
    expect(await says('/v1/lease/status', valid, { 'content-encoding': 'gzip' })).toEqual([415, 'UnsupportedMediaType']);
    expect(await says('/v1/lease/status', 'x'.repeat(16 * 1024 + 1))).toEqual([413, 'TooLarge']);
    expect(await says('/v1/lease/status', 'x'.repeat(16 * 1024))).toEqual([400, 'InvalidInput']);
    expect(await says('/v1/lease/status', '')).toEqual([400, 'InvalidInput']);
    expect(await says('/v1/lease/request', valid)).toEqual([400, 'InvalidInput']);
    expect(await says('/v1/lease/status', valid)).toEqual([401, 'Replayed']);
    expect(await says('/v1/lease/status', sign(STATUS).replace(/"signature":"../, '"signature":"00'))).toEqual([401, 'BadSignature']);
    expect(await says('/v1/lease/status', sign(STATUS, anna, clock.now - 60_001))).toEqual([401, 'Expired']);
    expect(await says('/v1/lease/status', sign(STATUS, anna, clock.now + 5001))).toEqual([401, 'FromTheFuture']);
    expect(await says('/v1/lease/status', sign(STATUS, quickly('carl')))).toEqual([403, 'NotRegistered']);
    expect(await says('/v1/lease/status', sign({ ...STATUS, adapterId: 'rn' }))).toEqual([404, 'NotFound']);
    registered.delete('ben');
    expect(await says('/v1/lease/status', sign(STATUS, ben))).toEqual([403, 'NotRegistered']);
    expect(await get('/v1/current?adapter=rn')).toMatchObject({ status: 404 });
    expect(await get('/v1/lease/status')).toMatchObject({ status: 405, json: { error: 'MethodNotAllowed' } });
    expect((await get('/v1/lease/status')).headers.get('allow')).toBe('POST');
    expect((await fetch(`${door.url}/v1/health`, { method: 'DELETE' })).status).toBe(405);
  });

  it('is open on one connection for many requests, but not behind a body that was not read', async () => {
    const { door, sign } = await hub();
    const body = sign(STATUS);
    const plain = `GET /v1/health HTTP/1.1\r\nhost: hub\r\n\r\n`;
    const before = performance.now();
    const replies = await raw(door, [plain, plain, head(`content-length: ${body.length}\r\n`), body, head('content-length: 99999\r\n'), plain]);
    expect(replies.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 200', 'HTTP/1.1 200', 'HTTP/1.1 413']);
    // the rest of it is not waited for
    expect(performance.now() - before).toBeLessThan(3000);
  });

  it('reads no more of an endless body than it takes, and waits for no slow one, while it serves others', async () => {
    const { door, sign, post } = await hub({ limits: { requestMs: 200, idleMs: 1000 } });
    const endless = raw(door, [head('transfer-encoding: chunked\r\n')], { endless: true });
    const slow = [raw(door, [head('content-length: 100\r\n'), '{"body"']), raw(door, ['POST /v1/lease/st']), raw(door, [head('transfer-encoding: chunked\r\n'), '1\r\n{\r\n'])];
    const silent = raw(door, []);
    const before = performance.now();
    expect((await post('/v1/lease/status', sign(STATUS))).status).toBe(200);
    expect(await endless).toMatch(/^(HTTP\/1\.1 413 .*"error":"TooLarge"|$)/s);
    for (const reply of await Promise.all(slow)) expect(reply).toMatch(/^HTTP\/1\.1 408 .*"error":"RequestTimeout"/s);
    expect(await silent).toMatch(/^(HTTP\/1\.1 408 |$)/);
    expect(performance.now() - before).toBeLessThan(2000);
  });

  it('refuses what is no HTTP, and headers without end', async () => {
    const { door } = await hub();
    expect(await raw(door, ['\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'])).toMatch(/^HTTP\/1\.1 400 .*"InvalidInput"/s);
    expect(await raw(door, [head(`x: ${'y'.repeat(20_000)}\r\n`)])).toMatch(/^HTTP\/1\.1 431 .*"HeadersTooLarge"/s);
    expect(await raw(door, ['GET /v1/health HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n'])).toMatch(/^HTTP\/1\.1 400 /);
  });

  it('gives an address no more connections than its share', async () => {
    const { door } = await hub({ limits: { connectionsPerAddress: 2, requestMs: 300 } });
    const [first, second] = [raw(door, ['GET /v1/he']), raw(door, ['GET /v1/he'])];
    expect(await raw(door, ['GET /v1/health HTTP/1.1\r\nhost: a\r\n\r\n'])).toBe('');
    expect((await Promise.all([first, second])).every((reply) => reply.includes('408'))).toBe(true);
    // theirs are given back as soon as they are closed on this side, too
    await vi.waitFor(async () => expect(await raw(door, ['GET /v1/health HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n'])).toMatch(/^HTTP\/1\.1 200/));
  });

  it('answers a hotkey as often as its bucket holds, then as fast as it fills', async () => {
    const { clock, sign, post } = await hub({ limits: { hotkey: { burst: 3, perSecond: 0.5 } } });
    const ask = async (signer = anna): Promise<number> => (await post('/v1/lease/status', sign(STATUS, signer))).status;
    expect([await ask(), await ask(), await ask(), await ask()]).toEqual([200, 200, 200, 429]);
    expect((await post('/v1/lease/status', sign(STATUS))).headers.get('retry-after')).toBe('2');
    // others may ask; and who only says to be that hotkey takes nothing from it
    expect(await ask(ben)).toBe(200);
    clock.now += 2000;
    expect((await post('/v1/lease/status', sign(STATUS).replace(/"signature":"../, '"signature":"00'))).status).toBe(401);
    expect([await ask(), await ask()]).toEqual([200, 429]);
  });

  it('counts addresses behind as many proxies as it was told of', async () => {
    const limits = { address: { burst: 2, perSecond: 1 } };
    const statuses = async (proxies: number, headers: readonly string[]): Promise<number[]> => {
      const { door } = await hub({ limits, proxies });
      const all: number[] = [];
      for (const forwarded of headers) all.push((await fetch(`${door.url}/v1/health`, { headers: { 'x-forwarded-for': forwarded } })).status);
      return all;
    };
    // without a proxy the header is an invention
    expect(await statuses(0, ['1.1.1.1', '2.2.2.2', '3.3.3.3'])).toEqual([200, 200, 429]);
    expect(await statuses(1, ['1.1.1.1', '2.2.2.2', '3.3.3.3'])).toEqual([200, 200, 200]);
    // what comes before the last is what the asker said
    expect(await statuses(1, ['1.1.1.1, 9.9.9.9', '2.2.2.2, 9.9.9.9', '3.3.3.3, 9.9.9.9'])).toEqual([200, 200, 429]);
    expect(await statuses(2, ['1.1.1.1, 9.9.9.9', '2.2.2.2, 9.9.9.9', '3.3.3.3, 9.9.9.9'])).toEqual([200, 200, 200]);
    expect(await statuses(1, ['2001:db8::1', '2001:db8::2', '2001:0db8:0:0:1::3'])).toEqual([200, 200, 429]);
  });

  it('says "not now" when the desk does not answer in time, fails, or has too much to do, and tells its owner once', async () => {
    const { desk, sign, post, said } = await hub({ limits: { deskMs: 30, atOnce: 2 } });
    let release = (): void => undefined;
    desk.before = () => new Promise((resolve) => { release = resolve; });
    const late = await post('/v1/lease/status', sign(STATUS));
    expect([late.status, late.json.error, late.headers.get('retry-after')]).toEqual([503, 'HubUnavailable', '2']);
    expect((await post('/v1/lease/status', sign(STATUS))).status).toBe(503);
    const asked = desk.asked;
    // two are still being asked
    expect((await post('/v1/lease/status', sign(STATUS))).status).toBe(503);
    expect(desk.asked).toBe(asked);
    expect(said).toEqual(['cannot answer: NotInTime: Expected an answer within 30 ms, got none']);
    desk.before = async () => { throw new Error('14 UNAVAILABLE: secret words'); };
    release();
    const failed = await post('/v1/lease/status', sign(STATUS));
    expect([failed.status, JSON.stringify(failed.json).includes('secret')]).toEqual([503, false]);
    desk.before = async () => undefined;
    expect((await post('/v1/lease/status', sign(STATUS))).status).toBe(200);
    expect(said.at(-1)).toBe('answers again');
    expect(said).toHaveLength(2);
  });

  it('asks the chain again about somebody who is not known, and is silent where the chain is', async () => {
    const ages: number[] = [];
    const registry: Registry = { read: async (maxAgeMs) => (ages.push(maxAgeMs), new Map(ages.length < 2 ? [] : [['anna', 'cold']])) };
    const { sign, post } = await hub({ registry });
    expect((await post('/v1/lease/status', sign(STATUS))).status).toBe(200);
    expect(ages).toEqual([3000, 1000]);
    const silent = await hub({ registry: { read: async () => { throw new ChainUnavailable('Expected a chain, got none'); } } });
    expect((await silent.post('/v1/lease/status', silent.sign(STATUS))).status).toBe(503);
  });

  it('opened again takes nothing that was asked before, and everything that is asked a moment later', async () => {
    const { door, deps, clock, sign } = await hub();
    const old = sign(REQUEST, anna, clock.now + 4000);
    const port = Number(new URL(door.url).port);
    expect((await fetch(`${door.url}/v1/lease/request`, { method: 'POST', body: old, headers: { 'content-type': 'application/json' } })).status).toBe(200);
    await door.close();
    const again = await openDoor(deps, { host: '127.0.0.1', port, proxies: 0 });
    open.push(again);
    const ask = async (body: string): Promise<Seen> => seen(await fetch(`${again.url}/v1/lease/request`, { method: 'POST', body, headers: { 'content-type': 'application/json' } }));
    const early = await ask(sign(REQUEST));
    expect([early.status, early.json.error, early.headers.get('retry-after')]).toEqual([503, 'HubUnavailable', '2']);
    clock.now += 5001;
    expect((await ask(old)).status).toBe(503);
    expect((await ask(sign(REQUEST))).status).toBe(200);
  });

  it('answers what it was asked before it closes, and lets nobody hold it open', async () => {
    const { door, desk, sign, post } = await hub({ limits: { drainMs: 100 } });
    let release = (): void => undefined;
    const arrived = new Promise<void>((resolve) => { desk.before = () => { resolve(); return new Promise((go) => { release = go; }); }; });
    const reply = post('/v1/lease/status', sign(STATUS));
    const idle = raw(door, []);
    const slow = raw(door, [head('content-length: 100\r\n'), '{']);
    await arrived;
    const closed = door.close();
    release();
    expect((await reply).status).toBe(200);
    await closed;
    expect(await Promise.all([idle, slow])).toEqual(['', '']);
    await expect(fetch(`${door.url}/v1/health`)).rejects.toThrow();
  });

  it('cannot be opened where another one is', async () => {
    const { door, deps } = await hub();
    await expect(openDoor(deps, { host: '127.0.0.1', port: Number(new URL(door.url).port), proxies: 0 })).rejects.toThrow('EADDRINUSE');
  });

  it('takes a thousand requests once each', async () => {
    const { deps, clock, sign, registered } = await hub();
    for (let i = 0; i < 5; i++) registered.set(`miner ${i}`, `cold ${i}`);
    clock.now -= 60_000;
    const counter = new Counter(deps, { ...DOOR_LIMITS, hotkey: { burst: 200, perSecond: 1 } });
    clock.now += 60_000;
    const bodies = Array.from({ length: 1000 }, (_, i) => new TextEncoder().encode(sign(STATUS, quickly(`miner ${i % 5}`))));
    const statuses = async (): Promise<Record<number, number>> => {
      const counts: Record<number, number> = {};
      for (const body of bodies) {
        const { status } = await counter.answer('status', body);
        counts[status] = (counts[status] ?? 0) + 1;
      }
      return counts;
    };
    expect(await statuses()).toEqual({ 200: 1000 });
    expect(await statuses()).toEqual({ 401: 1000 });
  });
});

import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Signer } from '../../../genki/chain/chain.ts';
import { createSigner, verifySignature } from '../../../genki/chain/keys.ts';
import { BadSubmission, InvalidInput, NewerSchema } from '../../../genki/errors.ts';
import { HUB_REQUEST, NONCE_KEPT_MS, openHubRequest, signHubRequest, type RequestContext } from '../../../genki/protocol/hub-request.ts';
import { openHubAnswer, signHubAnswer } from '../../../genki/protocol/hub-answer.ts';
import type { HubQuestion } from '../../../genki/protocol/hub.ts';
import { Random } from '../../../genki/protocol/random.ts';
import { SeenNonces } from '../../../genki/protocol/seen-nonces.ts';
import { signJson, type VerifySignature } from '../../../genki/protocol/signed-json.ts';

const miner = createSigner('//miner-1');
const hub = createSigner('//hub');
const NOW = 1_800_000_000_000;
const adapter = { bucket: 'miner-1', key: 'relay/rr/3/adapter_model.safetensors', sha256: 'ab'.repeat(32), bytes: 12_345 };
const QUESTIONS: readonly HubQuestion[] = [
  { action: 'request', adapterId: 'rr' },
  { action: 'renew', adapterId: 'rr', fence: 3 },
  { action: 'release', adapterId: 'rr', fence: 3 },
  { action: 'push', adapterId: 'rr', fence: 3, parent: 2, adapter },
  { action: 'status', adapterId: 'rr' },
  { action: 'current', adapterId: 'rr' },
];

/** Signatures a thousand times as fast, for laws over thousands of cases: whoever knows the name can sign. */
const mac = (message: Uint8Array, hotkey: string): Uint8Array => createHmac('sha512', hotkey).update(message).digest();
const quickly = (hotkey: string): Signer => ({ hotkey, sign: (message) => mac(message, hotkey) });
const verifyQuickly: VerifySignature = (message, signature, hotkey) => Buffer.compare(mac(message, hotkey), signature) === 0;

const memory = (): SeenNonces => new SeenNonces({ keepMs: NONCE_KEPT_MS, perOwner: 1000, inAll: 100_000 });
const nonceOf = (random: Random): Uint8Array => Uint8Array.from({ length: 16 }, () => random.int(256));
const context = (more: Partial<RequestContext> = {}): RequestContext => ({ audience: hub.hotkey, now: NOW, openedAt: NOW - 3_600_000, isRegistered: () => true, verify: verifyQuickly, ...more });
const signed = (question: HubQuestion, signer: Signer = quickly(miner.hotkey), { now = NOW, seed = 'nonce', audience = hub.hotkey, lifeMs = HUB_REQUEST.lifeMs } = {}): Uint8Array =>
  signHubRequest(question, { audience, nonce: nonceOf(new Random(seed)), now, lifeMs }, signer).bytes;
const outcome = (bytes: Uint8Array, more: Partial<RequestContext> = {}, seen = memory()): string => {
  const opened = openHubRequest(bytes, context(more), seen);
  return opened.kind === 'opened' ? 'opened' : opened.refusal;
};
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const bytesOf = (json: string): Uint8Array => new TextEncoder().encode(json);

describe('a request to a hub', () => {
  it.each(QUESTIONS)('says what was asked: $action', (question) => {
    const { request, bytes } = signHubRequest(question, { audience: hub.hotkey, nonce: nonceOf(new Random('a')), now: NOW }, miner);
    expect(openHubRequest(bytes, context({ verify: verifySignature }), memory())).toEqual({ kind: 'opened', request });
    expect(request).toMatchObject({ ...question, version: 1, audience: hub.hotkey, hotkey: miner.hotkey, issuedAt: NOW, expiresAt: NOW + 60_000 });
    expect(bytes.byteLength).toBeLessThan(1024);
  });

  it('has a domain, and a nonce, of its own', () => {
    const bytes = signed(QUESTIONS[0]!, miner);
    expect(outcome(bytes, { verify: verifySignature })).toBe('opened');
    const { body } = JSON.parse(text(bytes)) as { body: unknown };
    for (const domain of ['genki-manifest-v1:', 'genki-key-v1:', 'genki-window-v1:', 'genki-hub-answer-v1:', '']) expect(outcome(signJson(domain, body, miner), { verify: verifySignature })).toBe('bad signature');
  });

  it('is refused with any byte changed, left out or put in', () => {
    const random = new Random('bytes');
    for (const question of [QUESTIONS[0]!, QUESTIONS[3]!]) {
      const bytes = signed(question);
      const seen = memory();
      const taken = Array.from(bytes, (byte, at) => [
        Uint8Array.from(bytes, (one, i) => (i === at ? byte ^ (1 + random.int(255)) : one)),
        Uint8Array.of(...bytes.subarray(0, at), ...bytes.subarray(at + 1)),
        Uint8Array.of(...bytes.subarray(0, at), random.int(256), ...bytes.subarray(at)),
      ]).flat().filter((changed) => outcome(changed, {}, seen) === 'opened');
      expect(taken.map(text)).toEqual([]);
      expect(outcome(bytes, {}, seen)).toBe('opened');
    }
  });

  it('is refused with a changed word, by the real signature', () => {
    const bytes = text(signed(QUESTIONS[3]!, miner));
    const changes: readonly (readonly [string, string])[] = [['"fence":3', '"fence":4'], ['"parent":2', '"parent":1'], ['"bytes":12345', '"bytes":12346'], ['"action":"push"', '"action":"request"'], ['relay/rr/3', 'relay/rr/4'], ['abab', 'abac'], ['"adapterId":"rr"', '"adapterId":"rn"'], [miner.hotkey, createSigner('//miner-2').hotkey], [String(NOW + 60_000), String(NOW + 59_999)]];
    expect(outcome(bytesOf(bytes), { verify: verifySignature })).toBe('opened');
    for (const [from, to] of changes) {
      expect(bytes).toContain(from);
      expect([to, outcome(bytesOf(bytes.replace(from, to)), { verify: verifySignature })]).toEqual([to, from.includes('push') ? 'malformed' : 'bad signature']);
    }
  });

  it('is refused in another writing, with something more, or from a newer build', () => {
    const file = text(signed(QUESTIONS[0]!));
    for (const other of [` ${file}`, file.replace(':', ': '), file.replace('"action":"request",', '"action":"request","action":"request",'), file.replace('"request"', '"\\u0072equest"'), `\ufeff${file}`, '', 'null', '[]', '{}', '{"body":{},"signature":""}', '['.repeat(10_000)]) expect([other.slice(0, 80), outcome(bytesOf(other))]).toEqual([other.slice(0, 80), 'malformed']);
    const { body } = JSON.parse(file) as { body: Record<string, unknown> };
    const again = (change: Record<string, unknown>): string => outcome(signJson('genki-hub-v1:', { ...body, ...change }, quickly(miner.hotkey)));
    expect(again({})).toBe('opened');
    expect(again({ version: 2, more: true })).toBe('newer version');
    for (const change of [{ more: true }, { fence: 1 }, { adapterId: '../x' }, { adapterId: 'a'.repeat(65) }, { nonce: 'AB'.repeat(16) }, { nonce: 'ab'.repeat(15) }, { issuedAt: NOW + 0.5 }, { expiresAt: NOW + 60_001 }, { expiresAt: NOW - 1 }, { expiresAt: 1e300 }, { issuedAt: -1 }]) expect([change, again(change)]).toEqual([change, 'malformed']);
    expect(outcome(new Uint8Array(HUB_REQUEST.maxBytes + 1).fill(0x20))).toBe('oversized');
  });

  it('is for one hub, of a registered hotkey, which is asked before the signature is checked', () => {
    let checked = 0;
    const verify: VerifySignature = (...of) => (checked++, verifyQuickly(...of));
    expect(outcome(signed(QUESTIONS[0]!, quickly('another'), {}), { verify, isRegistered: (hotkey) => hotkey === miner.hotkey })).toBe('unregistered');
    expect(outcome(signed(QUESTIONS[0]!, undefined, { audience: miner.hotkey }), { verify })).toBe('wrong audience');
    expect(checked).toBe(0);
    expect([outcome(signed(QUESTIONS[0]!), { verify }), checked]).toEqual(['opened', 1]);
  });

  it('is good once, and leaves no trace where it is refused', () => {
    const seen = memory();
    const bytes = signed(QUESTIONS[0]!);
    expect(outcome(bytes, { verify: () => false }, seen)).toBe('bad signature');
    expect(seen.size).toBe(0);
    expect(outcome(bytes, {}, seen)).toBe('opened');
    for (const later of [0, 1, 30_000, 60_000]) expect(outcome(bytes, { now: NOW + later }, seen)).toBe('replayed');
    expect(outcome(bytes, { now: NOW + 60_001 }, seen)).toBe('expired');
    expect(outcome(signed(QUESTIONS[1]!), {}, seen)).toBe('replayed');
    expect(outcome(signed(QUESTIONS[0]!, quickly('another')), {}, seen)).toBe('opened');
  });

  it('is refused where there is no room to remember it', () => {
    const seen = new SeenNonces({ keepMs: NONCE_KEPT_MS, perOwner: 1, inAll: 10 });
    expect(outcome(signed(QUESTIONS[0]!), {}, seen)).toBe('opened');
    expect(outcome(signed(QUESTIONS[0]!, undefined, { seed: 'next' }), {}, seen)).toBe('too many');
  });

  it('is taken at its time, by clocks that differ within bounds', () => {
    const random = new Random('time');
    const counts: Record<string, number> = {};
    for (let i = 0; i < 1500; i++) {
      const [aheadMs, lifeMs, openMs] = [random.int(140_000) - 120_000, random.int(60_001), random.int(120_000)];
      const got = outcome(signed(QUESTIONS[0]!, undefined, { now: NOW + aheadMs, lifeMs }), { openedAt: NOW - openMs });
      const expected = aheadMs + lifeMs < 0 ? 'expired' : aheadMs > 5000 ? 'from the future' : aheadMs <= 5000 - openMs ? 'before opening' : 'opened';
      counts[expected] = (counts[expected] ?? 0) + 1;
      expect([i, aheadMs, got]).toEqual([i, aheadMs, expected]);
    }
    expect(Object.values(counts).every((count) => count > 50)).toBe(true);
    expect(Object.keys(counts)).toHaveLength(4);
  });

  it('is never taken twice, by any doors of a hub that open one after another', () => {
    const random = new Random('doors');
    let count = 0;
    for (let i = 0; i < 200; i++) {
      const bytes = signed(QUESTIONS[0]!, undefined, { now: NOW + random.int(5001), lifeMs: random.int(60_001) });
      let [taken, seen, openedAt] = [0, memory(), NOW - random.int(20_000)];
      for (let now = openedAt; now < NOW + 70_000; now += random.int(6000)) {
        if (random.chance(0.2)) [seen, openedAt] = [memory(), now];
        if (outcome(bytes, { now, openedAt }, seen) === 'opened') taken++;
      }
      expect([i, taken > 1]).toEqual([i, false]);
      count += taken;
    }
    expect(count).toBeGreaterThan(50);
  });

  it('is not signed unless it can be asked', () => {
    const sign = (question: HubQuestion) => () => signHubRequest(question, { audience: hub.hotkey, nonce: new Uint8Array(16), now: NOW }, miner);
    expect(sign({ action: 'renew', adapterId: 'rr', fence: 0 })).toThrow(InvalidInput);
    expect(() => signHubRequest(QUESTIONS[0]!, { audience: hub.hotkey, nonce: new Uint8Array(15), now: NOW }, miner)).toThrow('expected 32 lower-case hex digits');
  });
});

describe('a hub\'s answer', () => {
  const asked = { action: 'renew', hotkey: miner.hotkey, nonce: '0f'.repeat(16) } as const;
  const { request } = signHubRequest({ action: 'renew', adapterId: 'rr', fence: 3 }, { audience: hub.hotkey, nonce: Buffer.from(asked.nonce, 'hex'), now: NOW }, miner);
  const answer = signHubAnswer({ ...request, action: 'renew' }, { renewed: true }, hub);
  const open = (bytes: Uint8Array, more: Partial<typeof asked> = {}): unknown => openHubAnswer(bytes, { hub: hub.hotkey, request: { ...asked, ...more } }, verifySignature);

  it('is the hub\'s to this one request', () => {
    expect(open(answer)).toEqual({ renewed: true });
    expect(() => open(answer, { nonce: '00'.repeat(16) as typeof asked.nonce })).toThrow(BadSubmission);
    expect(() => open(answer, { hotkey: hub.hotkey })).toThrow(BadSubmission);
    expect(() => openHubAnswer(answer, { hub: miner.hotkey, request: asked }, verifySignature)).toThrow('Expected a signature of');
    expect(() => openHubAnswer(signJson('genki-hub-answer-v1:', { version: 1, ...asked, action: 'release', answer: {} }, hub), { hub: hub.hotkey, request: asked }, verifySignature)).toThrow(BadSubmission);
  });

  it('is none with a word changed, of another shape, or signed as a request', () => {
    expect(() => open(bytesOf(text(answer).replace('true', 'false')))).toThrow('Expected a signature of');
    const body = { version: 1, ...asked, answer: { renewed: true } };
    expect(open(signJson('genki-hub-answer-v1:', body, hub))).toEqual({ renewed: true });
    expect(() => open(signJson('genki-hub-v1:', body, hub))).toThrow('Expected a signature of');
    expect(() => open(signJson('genki-hub-answer-v1:', { ...body, answer: { renewed: 1 } }, hub))).toThrow('Expected an answer to renew');
    expect(() => open(signJson('genki-hub-answer-v1:', { ...body, version: 2 }, hub))).toThrow(NewerSchema);
  });
});

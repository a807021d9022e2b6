import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ApplicationFailure } from '@temporalio/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHubActivities } from '../../activities/hub.ts';
import { createSigner } from '../../genki/chain/keys.ts';
import { BadSubmission, InvalidInput, LeaseLost, NewerSchema } from '../../genki/errors.ts';
import { HUB_REFUSALS, type HubRefusalName, type HubRequest } from '../../genki/protocol/hub.ts';
import { signHubAnswer } from '../../genki/protocol/hub-answer.ts';
import { signJson } from '../../genki/protocol/signed-json.ts';

const [miner, hub] = [createSigner('//miner-1'), createSigner('//hub')];

/** What stands where the hub should, until the next test. */
let reply: (response: ServerResponse, asked: HubRequest, path: string) => void = () => undefined;
const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => reply(response, (JSON.parse(Buffer.concat(chunks).toString()) as { body: HubRequest }).body, request.url!));
});
let url = '';
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
});

const asking = (more: { url?: string; answerMs?: number } = {}): Promise<unknown> => createHubActivities({ signer: miner, url, hubHotkey: hub.hotkey, ...more }).hubStatus({ adapterId: 'rr' });
const failure = (question: Promise<unknown>): Promise<unknown> => question.then(() => expect.unreachable('it was answered'), (error: unknown) => error);
const unavailable = async (question: Promise<unknown>): Promise<ApplicationFailure> => {
  const error = await failure(question);
  expect(error).toBeInstanceOf(ApplicationFailure);
  expect(error).toMatchObject({ type: 'HubUnavailable', nonRetryable: false });
  return error as ApplicationFailure;
};
const STATUS = { state: { kind: 'queued', position: 2 }, fence: 3, waiting: 4, version: 1, push: { kind: 'late', reason: 'too late' } } as const;

describe('asking the hub', () => {
  it('signs each question afresh, for the path that it goes to', async () => {
    const asked: [HubRequest, string][] = [];
    reply = (response, request, path) => {
      asked.push([request, path]);
      response.end(signHubAnswer({ ...request, action: 'status' }, STATUS, hub));
    };
    expect([await asking(), await asking({ url: `${url}/hubs/rr/` })]).toEqual([STATUS, STATUS]);
    expect(asked.map(([, path]) => path)).toEqual(['/v1/lease/status', '/hubs/rr/v1/lease/status']);
    const [first, second] = asked.map(([request]) => request);
    expect(first).toMatchObject({ action: 'status', adapterId: 'rr', hotkey: miner.hotkey, audience: hub.hotkey });
    expect(first!.nonce).not.toBe(second!.nonce);
  });

  it.each(Object.keys(HUB_REFUSALS) as HubRefusalName[])('knows whether %s is final', async (error) => {
    const { status, isFinal } = HUB_REFUSALS[error];
    reply = (response) => response.writeHead(status, { 'retry-after': '7' }).end(JSON.stringify({ error, message: 'Expected this, got that' }));
    const thrown = await failure(asking());
    const final = { LeaseLost, BadSubmission, NewerSchema }[error as string] ?? InvalidInput;
    expect(thrown).toBeInstanceOf(isFinal ? final : ApplicationFailure);
    expect((thrown as Error).message).toBe(`Expected the hub's answer, got ${error}: Expected this, got that`);
    if (!isFinal) expect(thrown).toMatchObject({ type: 'HubUnavailable', nonRetryable: false, nextRetryDelay: 7000 });
  });

  it.each([['1', 1000], ['60', 60_000], ['999999', 60_000], ['-5', undefined], ['soon', undefined], ['Wed, 21 Oct 2026 07:28:00 GMT', undefined], ['1e9', undefined]])('waits, where it is told to come again after %s, %s ms', async (told, waited) => {
    reply = (response) => response.writeHead(503, { 'retry-after': told }).end('{"error":"HubUnavailable","message":"not now"}');
    expect((await unavailable(asking())).nextRetryDelay).toBe(waited);
  });

  it('takes nothing that is not the hub\'s answer to this question', async () => {
    const others: ((request: HubRequest) => string | Uint8Array)[] = [
      () => '', () => '<html>sign in</html>', () => '{"error":"InvalidInput","message":"x"}', () => '['.repeat(60_000), () => Buffer.alloc(1000, 0xff),
      (request) => signHubAnswer({ ...request, action: 'status' }, STATUS, miner),
      (request) => signHubAnswer({ ...request, nonce: '00'.repeat(16), action: 'status' }, STATUS, hub),
      (request) => signHubAnswer({ ...request, action: 'renew' }, { renewed: true }, hub),
      ({ hotkey, nonce }) => signJson('genki-hub-answer-v1:', { version: 1, hotkey, nonce, action: 'status', answer: { ...STATUS, more: 1 } }, hub),
    ];
    for (const other of others) {
      reply = (response, request) => response.end(other(request));
      expect((await unavailable(asking())).message).toMatch(/^Expected the hub's answer, got an answer that is not the hub's/);
    }
    reply = (response, { hotkey, nonce }) => response.end(signJson('genki-hub-answer-v1:', { version: 2, hotkey, nonce, action: 'status', answer: {} }, hub));
    await expect(asking()).rejects.toThrow(NewerSchema);
  });

  it('is not held up by whoever answers without end, too slowly, not at all, or sends it elsewhere', async () => {
    reply = (response) => {
      const more = (): void => void (response.writable && response.write('x'.repeat(10_000), () => setImmediate(more)));
      more();
    };
    expect((await unavailable(asking())).message).toContain('more than 65536 bytes');
    reply = () => undefined;
    expect((await unavailable(asking({ answerMs: 30 }))).message).toContain('timeout');
    reply = (response) => void response.writeHead(200).write('{');
    expect((await unavailable(asking({ answerMs: 30 }))).message).toContain('timeout');
    reply = (response) => response.destroy();
    await unavailable(asking());
    reply = (response) => response.writeHead(307, { location: '/elsewhere' }).end();
    await unavailable(asking());
    reply = (response) => response.writeHead(502).end('<html>bad gateway</html>');
    expect((await unavailable(asking())).message).toContain('HTTP status 502');
    await unavailable(asking({ url: 'http://127.0.0.1:1' }));
  });

  it('loses the lease when the hub says so, and not when anybody else fails', async () => {
    const { renewLease, releaseLease } = createHubActivities({ signer: miner, url, hubHotkey: hub.hotkey });
    reply = (response, request) => response.end(signHubAnswer({ ...request, action: 'renew' }, { renewed: false }, hub));
    await expect(renewLease({ adapterId: 'rr', fence: 3 })).rejects.toThrow(LeaseLost);
    reply = (response, request) => response.end(signHubAnswer({ ...request, action: 'release' }, {}, hub));
    await releaseLease({ adapterId: 'rr', fence: 3 });
    await expect(renewLease({ adapterId: 'rr', fence: 0 })).rejects.toThrow(InvalidInput);
    await expect(renewLease({ adapterId: '../rr', fence: 1 })).rejects.toThrow(InvalidInput);
  });
});

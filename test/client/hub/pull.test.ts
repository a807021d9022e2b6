import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Hub } from '../../../client/hub/hub.ts';
import { hubOf } from '../../../client/hub/hub.ts';
import { checkPaidUse, isNonCommercial, licenceOfCard } from '../../../client/hub/licence.ts';
import { pull } from '../../../client/hub/pull.ts';
import { push } from '../../../client/hub/push.ts';
import { parseRepository } from '../../../client/hub/repository.ts';
import { licenceOf, readSource } from '../../../client/hub/source.ts';
import { ChecksumMismatch, InvalidInput, StoreUnavailable, TooLarge } from '../../../genki/errors.ts';
import { Random } from '../../../genki/protocol/random.ts';
import { encodeSafetensors } from '../../../genki/protocol/safetensors.ts';
import { type Commit, TestHub } from './test-hub.ts';

const NAME = 'owner/tiny-musicgen';
const REVISION = '4c8334b02c6ec4e8664a91979669a501ec497792';
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const random = new Random('hub');
/** Larger than one chunk of a stream. */
const TENSORS = encodeSafetensors(new Map([['w', { shape: [100_000], dtype: 'F32', data: Float32Array.from({ length: 100_000 }, () => random.normal()) }]]));
const commit = (changes: Record<string, Uint8Array> = {}): Commit => ({
  licence: 'cc-by-nc-4.0',
  files: new Map(Object.entries({ 'config.json': bytes('{"model_type":"musicgen"}'), 'model.safetensors': TENSORS, 'README.md': bytes('---\nlicense: cc-by-nc-4.0\n---\n'), 'pytorch_model.bin': bytes('pickle'), 'onnx/model.onnx': bytes('other'), ...changes })),
});

let server: TestHub;
let root: string;
let hub: Hub;
beforeEach(async () => {
  server = await TestHub.start();
  root = await mkdtemp(join(tmpdir(), 'genki-hub-'));
  hub = { url: server.url, patience: { attempts: 3, backoffMs: 1, maxBackoffMs: 2, stallMs: 5000, jitter: () => 0 } };
  server.put(NAME, REVISION, commit());
});
afterEach(async () => {
  await server.stop();
  await rm(root, { recursive: true });
});

const folder = (): string => join(root, 'model');
const pulled = (text = `${NAME}@${REVISION}`, maxBytes = 1e9) => pull(hub, parseRepository(text), { folder: folder(), maxBytes });
const bodies = (): string[] => server.requests.filter(({ url, range }) => url.includes('/resolve/') && range !== 'bytes=0-0').map(({ url, range }) => `${url.split('/').at(-1)} ${range ?? 'whole'}`);

describe('pull', () => {
  it('fetches tensors and texts by the commit, and says where they come from', async () => {
    const { source, isNew } = await pulled();
    expect(isNew).toBe(true);
    expect((await readdir(folder())).sort()).toEqual(['README.md', 'config.json', 'model.safetensors', 'source.json']);
    expect(Buffer.compare(await readFile(join(folder(), 'model.safetensors')), TENSORS)).toBe(0);
    expect(source).toMatchObject({ repository: NAME, revision: REVISION, licence: 'cc-by-nc-4.0' });
    expect(await readSource(folder())).toEqual(source);
    expect(await readdir(root)).toEqual(['model']);
    for (const { url } of server.requests.filter((request) => /resolve|tree/.test(request.url))) expect(url).toContain(REVISION);
  });

  it('resolves a branch once, and follows no push that comes meanwhile', async () => {
    server.fault = ({ url = '' }) => {
      if (url.includes('/tree/')) server.repositories.get(NAME)!.set('main', { files: new Map([['model.safetensors', bytes('another')]]) });
      return false;
    };
    const { source } = await pulled(NAME);
    expect(source.revision).toBe(REVISION);
    expect(Buffer.compare(await readFile(join(folder(), 'model.safetensors')), TENSORS)).toBe(0);
  });

  it('does not fetch again what is there', async () => {
    await pulled();
    const before = bodies().length;
    expect((await pulled()).isNew).toBe(false);
    expect(bodies().length).toBe(before);
  });

  it('carries on where a line broke, and until then shows no folder', async () => {
    let breaks = 3;
    server.fault = ({ url = '', headers }, response) => {
      if (!url.includes('model.safetensors') || headers.range === 'bytes=0-0' || breaks-- === 0) return false;
      const [, from = '0'] = /^bytes=(\d+)/.exec(headers.range ?? '') ?? [];
      response.writeHead(206, { 'content-range': `bytes ${from}-${TENSORS.byteLength - 1}/${TENSORS.byteLength}` });
      response.write(TENSORS.subarray(Number(from), Number(from) + 100_000), () => response.destroy());
      return true;
    };
    await expect(pulled()).rejects.toThrow(StoreUnavailable);
    expect(existsSync(folder())).toBe(false);
    const from = server.requests.length;
    await pulled();
    const resumed = server.requests.slice(from).filter(({ url, range }) => url.includes('model.safetensors') && range !== 'bytes=0-0');
    expect(resumed.map(({ range }) => Number(/^bytes=(\d+)/.exec(range ?? 'bytes=0')![1]))[0]).toBeGreaterThan(0);
    expect(Buffer.compare(await readFile(join(folder(), 'model.safetensors')), TENSORS)).toBe(0);
  });

  it('asks again after a status that passes', async () => {
    let refusals = 2;
    server.fault = ({ url = '' }, response) => {
      if (!url.includes('config.json') || refusals-- <= 0) return false;
      response.writeHead(503).end();
      return true;
    };
    expect((await pulled()).isNew).toBe(true);
  });

  it.each([
    ['tensors', 'model.safetensors', encodeSafetensors(new Map([['w', { shape: [100_000], dtype: 'F32', data: new Float32Array(100_000) }]]))],
    ['a text', 'config.json', bytes('{"model_type":"musicgEn"}')],
  ])('refuses other bytes than the listing names, of %s', async (_, name, other) => {
    const honest = commit().files.get(name)!;
    expect(other.byteLength).toBe(honest.byteLength);
    server.fault = ({ url = '' }) => {
      if (url.includes('/resolve/')) server.put(NAME, REVISION, commit({ [name]: other }));
      return false;
    };
    await expect(pulled()).rejects.toThrow(ChecksumMismatch);
    expect(existsSync(folder())).toBe(false);
  });

  it.each<[string, () => void, string, typeof InvalidInput | typeof TooLarge, string]>([
    ['an unknown repository', () => {}, 'owner/none', InvalidInput, 'got status 404: there is no such repository'],
    ['an unknown revision', () => {}, `${NAME}@${'0'.repeat(40)}`, InvalidInput, 'got status 404'],
    ['only a pickle', () => server.put(NAME, REVISION, { files: new Map([['pytorch_model.bin', bytes('x')]]) }), NAME, InvalidInput, 'pytorch_model.bin may run code when it is read and is never opened'],
    ['tensors without a digest', () => { server.listing = ({ lfs: _lfs, ...entry }) => entry; }, NAME, InvalidInput, 'to name the digest of model.safetensors'],
    ['a size that is none', () => { server.listing = (entry) => ({ ...entry, size: -5, lfs: undefined }); }, NAME, InvalidInput, 'Expected the size of'],
    ['more bytes than allowed', () => { server.listing = (entry) => (entry['lfs'] ? { ...entry, lfs: { ...(entry['lfs'] as object), size: 2e9 } } : entry); }, NAME, TooLarge, 'to have at most 1000000000 bytes'],
    ['another length than it lists', () => { server.listing = (entry) => (entry['lfs'] ? { ...entry, lfs: { ...(entry['lfs'] as object), size: 400 } } : entry); }, NAME, InvalidInput, 'to have 400 bytes, got 400'],
    ['a licence to be accepted first', () => { server.fault = (_request, response) => { response.writeHead(403).end(); return true; }; }, NAME, InvalidInput, 'set HF_TOKEN'],
  ])('refuses %s', async (_, arrange, name, kind, message) => {
    arrange();
    const error = await pulled(name).then(() => expect.unreachable('it was taken'), (thrown: unknown) => thrown as Error);
    expect(error).toBeInstanceOf(kind);
    expect(error.message).toContain(message);
    expect(existsSync(folder())).toBe(false);
  });

  it('takes no more of a text than is listed, however much comes', async () => {
    let sent = 0;
    server.fault = ({ url = '', headers }, response) => {
      if (!url.endsWith('/config.json') || headers.range === 'bytes=0-0') return false;
      response.writeHead(200);
      const more = (): void => { if (!response.destroyed && ++sent < 4096) response.write('x'.repeat(2 ** 16), more); };
      more();
      response.on('error', () => undefined);
      return true;
    };
    await expect(pulled()).rejects.toThrow(TooLarge);
    expect(sent).toBeLessThan(1024);
  });

  it('asks room only for what is not there yet', async () => {
    const size = 2 ** 40;
    const shard = 'model-00001-of-00002.safetensors';
    server.put(NAME, REVISION, commit({ [shard]: bytes('x') }));
    server.listing = (entry) => (entry['path'] === shard ? { ...entry, lfs: { ...(entry['lfs'] as object), size } } : entry);
    await expect(pulled(NAME, 1e13)).rejects.toThrow(/bytes of room/);
    const work = join(root, (await readdir(root)).find((name) => name.startsWith('model.pulling-'))!);
    await writeFile(join(work, shard), '');
    await truncate(join(work, shard), size);
    expect((await pulled(NAME, 1e13)).isNew).toBe(true);
  });

  it('never takes a file of a folder, or by a path', async () => {
    server.put(NAME, REVISION, commit({ '../escaped.safetensors': bytes('x'), '/etc/config.json': bytes('x') }));
    await pulled();
    expect(await readdir(root)).toEqual(['model']);
    expect((await readdir(folder())).sort()).toEqual(['README.md', 'config.json', 'model.safetensors', 'source.json']);
  });

  it('writes into no folder that holds something else, nor over another commit', async () => {
    await pulled();
    const other = '1'.repeat(40);
    server.put(NAME, other, commit());
    await expect(pulled()).rejects.toThrow(InvalidInput);
    await expect(pull(hub, parseRepository(NAME), { folder: folder(), maxBytes: 1e9 })).rejects.toThrow('pull into another one');
    await expect(pull(hub, parseRepository(NAME), { folder: root, maxBytes: 1e9 })).rejects.toThrow('Expected a folder that is not there yet');
  });

  it('sends the token to the hub', async () => {
    hub = { ...hub, token: 'hf_secret' };
    await pulled();
    expect(new Set(server.requests.map(({ authorization }) => authorization))).toEqual(new Set(['Bearer hf_secret']));
  });
});

describe('push', () => {
  const adapter = async (files: Record<string, Uint8Array | string>): Promise<string> => {
    for (const [name, content] of Object.entries(files)) await writeFile(join(root, name), content);
    return root;
  };
  const OPTIONS = { branch: 'main', message: 'Swing', isPublic: false };

  it('makes the repository and commits tensors, texts and a card; what was pushed can be pulled', async () => {
    hub = { ...hub, token: 'hf_secret' };
    await adapter({ 'adapter_config.json': '{}', 'adapter_model.safetensors': TENSORS, 'secret.txt': 'no', 'checkpoint.bin': 'no' });
    const { commit: pushed, files } = await push(hub, 'me/swing', { ...OPTIONS, folder: root, licence: 'cc0-1.0' });
    expect(files).toEqual(['README.md', 'adapter_config.json', 'adapter_model.safetensors']);
    const { source } = await pull(hub, parseRepository(`me/swing@${pushed}`), { folder: folder(), maxBytes: 1e9 });
    expect(Object.keys(source.files).sort()).toEqual(files);
    expect(Buffer.compare(await readFile(join(folder(), 'adapter_model.safetensors')), TENSORS)).toBe(0);
    expect(await licenceOf(folder())).toBe('cc0-1.0');
  });

  it('waits for a slow line as long as so many bytes may take', async () => {
    hub = { ...hub, token: 'hf_secret', patience: { ...hub.patience!, stallMs: 400 } };
    await adapter({ 'adapter_model.safetensors': TENSORS });
    server.fault = (request, response) => {
      if (!request.url?.startsWith('/upload/') || request.headers['x-late'] !== undefined) return false;
      request.headers['x-late'] = '1';
      setTimeout(() => { if (!request.socket.destroyed) void server.answer(request, response); }, 600);
      return true;
    };
    expect((await push(hub, 'me/swing', { ...OPTIONS, folder: root, licence: 'cc0-1.0' })).files).toContain('adapter_model.safetensors');
    expect(server.requests.filter(({ url }) => url.includes('/preupload/')).length).toBe(1);
  });

  it('does not send again what the hub has', async () => {
    hub = { ...hub, token: 'hf_secret' };
    await adapter({ 'adapter_model.safetensors': TENSORS });
    const once = () => push(hub, 'me/swing', { ...OPTIONS, folder: root, licence: 'cc0-1.0' });
    await once();
    await once();
    expect(server.requests.filter(({ url }) => url.startsWith('/upload/')).length).toBe(1);
  });

  it.each<[string, Record<string, Uint8Array | string>, { token?: string; licence?: string }, string]>([
    ['no token', { 'adapter_model.safetensors': TENSORS }, { licence: 'mit' }, 'HF_TOKEN'],
    ['no licence', { 'adapter_model.safetensors': TENSORS }, { token: 't' }, '--licence'],
    ['a card that says another licence', { 'adapter_model.safetensors': TENSORS, 'README.md': '---\nlicense: mit\n---\n' }, { token: 't', licence: 'cc0-1.0' }, 'got mit'],
    ['no tensors', { 'config.json': '{}' }, { token: 't', licence: 'mit' }, 'Expected model.safetensors or adapter_model.safetensors'],
    ['tensors that cannot be read', { 'adapter_model.safetensors': TENSORS.subarray(0, 1000) }, { token: 't', licence: 'mit' }, 'adapter_model.safetensors'],
  ])('refuses %s', async (_, files, { token, licence }, message) => {
    await adapter(files);
    const error = await push({ ...hub, ...(token !== undefined && { token }) }, 'me/swing', { ...OPTIONS, folder: root, ...(licence !== undefined && { licence }) }).then(() => expect.unreachable('it was pushed'), (thrown: unknown) => thrown as Error);
    expect(error).toBeInstanceOf(InvalidInput);
    expect(error.message).toContain(message);
    expect(server.repositories.has('me/swing')).toBe(false);
  });
});

describe('names and licences', () => {
  it.each(['owner', 'owner/name/more', '../etc', 'owner/..', 'owner/na me', 'owner/name@', 'owner/name@a@b', 'owner/name@../main', 'o/n?x=1'])('refuses the repository %s', (text) => {
    expect(() => parseRepository(text)).toThrow(InvalidInput);
  });

  it.each<[NodeJS.ProcessEnv]>([[{ HF_ENDPOINT: 'ftp://x' }], [{ HF_ENDPOINT: 'https://user:secret@host' }], [{ HF_ENDPOINT: 'not an address' }], [{ HF_ENDPOINT: 'http://hub.example.org', HF_TOKEN: 'secret' }]])('refuses the hub %o, without repeating a secret', (env) => {
    const error = (() => { try { hubOf(env); } catch (thrown) { return thrown as Error; } return expect.unreachable('it was taken'); })();
    expect(error).toBeInstanceOf(InvalidInput);
    expect(error.message).not.toContain('secret');
  });

  it('refuses pay with a model that forbids it, unless its user says by name that they may', () => {
    expect(['cc-by-nc-4.0', 'CC-BY-NC-SA-4.0', 'noncommercial'].every(isNonCommercial)).toBe(true);
    expect(['mit', 'cc0-1.0', 'cc-by-4.0', 'apache-2.0', 'openrail'].some(isNonCommercial)).toBe(false);
    const model = { model: 'musicgen-small', licence: 'cc-by-nc-4.0' };
    expect(() => checkPaidUse(model, undefined)).toThrow('--accept-licence cc-by-nc-4.0');
    expect(() => checkPaidUse(model, 'mit')).toThrow(InvalidInput);
    expect(checkPaidUse(model, 'cc-by-nc-4.0')).toBeUndefined();
    expect(checkPaidUse({ ...model, licence: 'mit' }, undefined)).toBeUndefined();
  });

  it('reads the licence of a card', () => {
    expect(licenceOfCard('---\ntags: [a]\nlicense: "cc-by-nc-4.0"\n---\n# x')).toBe('cc-by-nc-4.0');
    expect(licenceOfCard('# license: mit')).toBeUndefined();
    expect(licenceOfCard('---\nlicense: cc-by-nc-4.0 # for now\n---\n')).toBe('cc-by-nc-4.0');
    expect(licenceOfCard('---\nlicense: "CC BY-NC 4.0"\n---\n')).toBe('CC-BY-NC-4.0');
    for (const list of ['[mit, cc-by-nc-4.0]', '\n- mit\n- cc-by-nc-4.0']) expect(licenceOfCard(`---\nlicense: ${list}\ntags:\n- x\n---\n`)).toBe('cc-by-nc-4.0');
  });
});

import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openLaionClap } from '../../../../genki/evaluation/clap/laion.ts';
import { LAION_FILES, laionDigest, laionFolder, type LaionSpec } from '../../../../genki/evaluation/clap/laion-files.ts';
import { ChecksumMismatch, InvalidInput, StoreUnavailable } from '../../../../genki/errors.ts';
import { dirDigest, fileDigest } from '../../../../genki/protocol/digests.ts';

const FOLDER = fileURLToPath(new URL('../../../goldens/clap', import.meta.url));
const REVISION = '0123456789abcdef0123456789abcdef01234567';
const PREFIX = `/genki/tiny-clap/resolve/${REVISION}/`;
const spec: LaionSpec = { kind: 'laion-clap', repository: 'genki/tiny-clap', revision: REVISION, digest: await laionDigest(FOLDER) };

/** As the hub answers: the files of one repository under one revision. */
let hub: string;
let nowhere: string;
let server: Server;
let asked: string[] = [];
let answer: (request: IncomingMessage, response: ServerResponse) => void;
async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const file = request.url!.startsWith(PREFIX) ? request.url!.slice(PREFIX.length) : '';
  if (LAION_FILES.every((one) => one !== file)) return void response.writeHead(404).end('no such file');
  response.end(await readFile(join(FOLDER, file)));
}

const addressOf = (listening: Server): string => `http://127.0.0.1:${(listening.address() as AddressInfo).port}`;

beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(request.url!);
    answer(request, response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  hub = addressOf(server);
  const gone = createServer().listen(0, '127.0.0.1');
  await once(gone, 'listening');
  nowhere = addressOf(gone);
  gone.close();
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

let cacheDir: string;
beforeEach(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), 'genki-hub-'));
  asked = [];
  answer = (request, response) => void serve(request, response);
});
afterEach(() => rm(cacheDir, { recursive: true, force: true }));

describe('the digest of a LAION-CLAP', () => {
  it('is over its six files and no others', async () => {
    const digests = await Promise.all(LAION_FILES.map(async (file) => [file, fileDigest(await readFile(join(FOLDER, file)))] as const));
    expect(spec.digest).toBe(dirDigest(new Map(digests)));
    await cp(FOLDER, cacheDir, { recursive: true });
    await writeFile(join(cacheDir, 'pytorch_model.bin'), 'never read');
    expect(await laionDigest(cacheDir)).toBe(spec.digest);
  });

  it.each(LAION_FILES)('changes with %s, and needs it', async (file) => {
    await cp(FOLDER, cacheDir, { recursive: true });
    await writeFile(join(cacheDir, file), 'other');
    expect(await laionDigest(cacheDir)).not.toBe(spec.digest);
    await expect(laionFolder(spec, { folder: cacheDir })).rejects.toThrow(ChecksumMismatch);
    expect(existsSync(join(cacheDir, file))).toBe(true);
    await rm(join(cacheDir, file));
    await expect(laionFolder(spec, { folder: cacheDir })).rejects.toThrow(new InvalidInput(`Expected a file ${file} of LAION-CLAP in ${cacheDir}, got ENOENT`));
  });

  it.each([0, 2 ** 20 - 5, 2 ** 20 - 9, 2 ** 20])('is of no network that takes weights from another file, as it says at byte %i', async (at) => {
    await cp(FOLDER, cacheDir, { recursive: true });
    const network = Buffer.alloc(at + 20);
    network.write('\n\blocation', at);
    await writeFile(join(cacheDir, 'onnx/audio_model.onnx'), network);
    await expect(laionDigest(cacheDir)).rejects.toThrow(new InvalidInput('Expected onnx/audio_model.onnx of LAION-CLAP to hold its weights, got one that takes them from another file'));
  });
});

describe('a LAION-CLAP from the hub', () => {
  it('is fetched by its revision once, and then needs no hub', async () => {
    const folder = await laionFolder(spec, { cacheDir, hub });
    expect(asked).toEqual(LAION_FILES.map((file) => `${PREFIX}${file}`));
    expect(folder).toBe(join(cacheDir, 'laion-clap/genki/tiny-clap', REVISION));
    const clap = await openLaionClap(spec, { cacheDir, hub: nowhere, threads: 1 });
    expect((await clap.text(['a calm town']))[0]!.length).toBe(16);
    await clap.dispose();
    expect(asked.length).toBe(LAION_FILES.length);
  });

  it('is refused and forgotten when it is another', async () => {
    answer = (_, response) => void response.end('something else');
    await expect(laionFolder(spec, { cacheDir, hub })).rejects.toThrow(ChecksumMismatch);
    answer = (request, response) => void serve(request, response);
    expect(await laionDigest(await laionFolder(spec, { cacheDir, hub }))).toBe(spec.digest);
  });

  it('is not there under another revision', async () => {
    const other = 'f'.repeat(40);
    await expect(laionFolder({ ...spec, revision: other }, { cacheDir, hub })).rejects.toThrow(new InvalidInput(`Expected ${hub}/genki/tiny-clap/resolve/${other}/config.json, got status 404`));
  });

  it.each([
    ['cannot be reached', undefined, 'ECONNREFUSED'],
    ['is down', (_: IncomingMessage, response: ServerResponse) => void response.writeHead(503).end(), 'status 503'],
    ['has enough of us', (_: IncomingMessage, response: ServerResponse) => void response.writeHead(429).end(), 'status 429'],
    ['stops in the middle', (_: IncomingMessage, response: ServerResponse) => void response.writeHead(200, { 'content-length': 100 }).write('{', () => response.destroy()), ''],
  ])('waits for a hub that %s, names the folder to use instead and keeps no half a file', async (_, how, reason) => {
    if (how !== undefined) answer = how;
    const failing = laionFolder(spec, { cacheDir, hub: how === undefined ? nowhere : hub });
    await expect(failing).rejects.toThrow(StoreUnavailable);
    await expect(failing).rejects.toThrow(new RegExp(`config.json, got .*${reason}.*; where the hub cannot be reached, put config.json, .* into a folder and name it`));
    expect(existsSync(join(cacheDir, 'laion-clap/genki/tiny-clap', REVISION, 'config.json'))).toBe(false);
    answer = (request, response) => void serve(request, response);
    expect(await laionDigest(await laionFolder(spec, { cacheDir, hub }))).toBe(spec.digest);
  });

  it('needs a place for its files', async () => {
    await expect(laionFolder(spec, { hub })).rejects.toThrow(new InvalidInput('Expected a folder with the files of LAION-CLAP or a cacheDir for them, got neither'));
    expect(asked).toEqual([]);
  });
});

describe('what names a LAION-CLAP', () => {
  it.each(['main', 'v1.0', '', REVISION.slice(1), `${REVISION}0`, REVISION.toUpperCase(), `../${REVISION.slice(3)}`])('is no revision %j', async (revision) => {
    await expect(laionFolder({ ...spec, revision }, { cacheDir, hub })).rejects.toThrow(new InvalidInput(`Expected a revision of 40 hex digits, got ${revision}`));
    expect(asked).toEqual([]);
  });

  it.each(['tiny-clap', '../..', 'a/..', 'genki/tiny-clap/x', '/etc/passwd', 'genki/..%2f', 'genki/tiny clap', 'https://a/b', '.genki/x', 'a/b..c'])('is no repository %j', async (repository) => {
    await expect(laionFolder({ ...spec, repository }, { cacheDir, hub })).rejects.toThrow(`Expected a repository owner/name, got ${repository}`);
    expect(asked).toEqual([]);
  });
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { InvalidInput } from '../../genki/errors.ts';
import { readDoorSettings } from '../../workers/hub/door-settings.ts';
import { chainOf, homeOf, readSettings, s3File } from '../../workers/settings.ts';

const home = mkdtempSync(join(tmpdir(), 'genki-settings-'));
const file = join(home, 'network.json');
afterAll(() => rmSync(home, { recursive: true, force: true }));
beforeEach(() => rmSync(file, { force: true }));

const network = { temporal: '127.0.0.1:7233', namespace: 'default', ui: 'http://127.0.0.1:8233', chain: 'http://127.0.0.1:9944' };
const env = { GENKI_HOME: home, TEMPORAL_ADDRESS: 'temporal.example:7233', GENKI_CHAIN: 'http://chain.example:9944' };

function refusal(variables: NodeJS.ProcessEnv): Error {
  try {
    readSettings(variables);
  } catch (error) {
    return error as Error;
  }
  return expect.unreachable('they were taken');
}

describe('settings', () => {
  it('come from the running network’s file', () => {
    writeFileSync(file, JSON.stringify(network));
    expect(readSettings({ GENKI_HOME: home })).toMatchObject({ home, walletsDir: join(home, 'wallets'), network, hotkey: undefined, engine: undefined });
  });

  it('come from the environment where that says something else', () => {
    writeFileSync(file, JSON.stringify(network));
    const settings = readSettings({ ...env, TEMPORAL_NAMESPACE: 'genki', GENKI_HOTKEY: 'anna', GENKI_ENGINE: 'onnx', GENKI_RUNNERS: '3', GENKI_THREADS: '4' });
    expect(settings).toMatchObject({ network: { temporal: env.TEMPORAL_ADDRESS, namespace: 'genki', chain: env.GENKI_CHAIN, ui: network.ui }, hotkey: 'anna', engine: 'onnx', runners: 3, threads: 4 });
  });

  it('know a hub where there is one', () => {
    writeFileSync(file, JSON.stringify({ ...network, hub: 'http://127.0.0.1:8400' }));
    expect(readSettings({ GENKI_HOME: home }).network.hub).toBe('http://127.0.0.1:8400');
    expect(readSettings({ GENKI_HOME: home, GENKI_HUB: 'https://hub.example' }).network.hub).toBe('https://hub.example');
    expect(refusal({ ...env, GENKI_HUB: 'ftp://hub.example' }).message).toContain('GENKI_HUB');
    expect(readDoorSettings({})).toEqual({ host: '127.0.0.1', port: 8400, proxies: 0 });
    expect(readDoorSettings({ GENKI_HUB_HOST: '::1', GENKI_HUB_PORT: '0', GENKI_HUB_PROXIES: '1' })).toEqual({ host: '::1', port: 0, proxies: 1 });
    expect(() => readDoorSettings({ GENKI_HUB_PROXIES: '-1' })).toThrow('GENKI_HUB_PROXIES');
  });

  it('take a local chain, or nodes of a subtensor with their archive', () => {
    const nodes = 'wss://one.example:443,ws://127.0.0.1:9944';
    const archive = 'wss://archive.example';
    writeFileSync(file, JSON.stringify({ ...network, chain: nodes, archive }));
    expect(chainOf(readSettings({ GENKI_HOME: home }).network)).toEqual({ address: nodes, archive });
    expect(chainOf(readSettings({ ...env, GENKI_HOME: home }).network)).toEqual({ address: env.GENKI_CHAIN });
    expect(chainOf(readSettings({ ...env, GENKI_CHAIN: 'ws://x', GENKI_CHAIN_ARCHIVE: archive }).network)).toEqual({ address: 'ws://x', archive });
    for (const chain of ['ftp://x', 'http://x,ws://y', 'ws://x,', 'http://x,http://y', '']) expect(refusal({ ...env, GENKI_CHAIN: chain }).message).toContain('GENKI_CHAIN');
    expect(refusal({ ...env, GENKI_CHAIN_ARCHIVE: 'http://x' }).message).toContain('GENKI_CHAIN_ARCHIVE');
  });

  it('need no file when the environment says where the network is', () => {
    const { network: found, runners, threads } = readSettings(env);
    expect(found).toEqual({ temporal: env.TEMPORAL_ADDRESS, namespace: 'default', chain: env.GENKI_CHAIN });
    expect(runners).toBeGreaterThanOrEqual(1);
    expect(threads).toBeGreaterThanOrEqual(1);
  });

  it('say how to start a network where none is known', () => {
    expect(refusal({ GENKI_HOME: home })).toBeInstanceOf(InvalidInput);
    expect(refusal({ GENKI_HOME: home }).message).toBe(`Expected a running network (TEMPORAL_ADDRESS and GENKI_CHAIN, or ${file}); start one with: npm run genki -- up`);
    expect(refusal({ GENKI_HOME: home, TEMPORAL_ADDRESS: 'x:1' }).message).toContain('GENKI_CHAIN');
  });

  it.each([
    ['GENKI_CHAIN', 'not an address'],
    ['GENKI_ENGINE', 'cuda'],
    ['GENKI_RUNNERS', '0'],
    ['GENKI_RUNNERS', 'two'],
    ['GENKI_RUNNERS', '1.5'],
    ['GENKI_THREADS', '-1'],
    ['GENKI_HOME', ''],
  ])('name %s when it is %j', (name, value) => {
    const error = refusal({ ...env, [name]: value });
    expect(error).toBeInstanceOf(InvalidInput);
    expect(error.message).toContain(`→ at ${name}`);
  });

  it.each([['digits', 'ab'.repeat(32)], ['digits after 0x', `0x${'AB'.repeat(32)}`]])('take no secret of 64 %s for a hotkey, and do not repeat it', (_, secret) => {
    const error = refusal({ ...env, GENKI_HOTKEY: secret });
    expect(error.message).toContain('→ at GENKI_HOTKEY');
    expect(error.message.toLowerCase()).not.toContain('abab');
  });

  it.each<[string, string]>([
    ['', 'expected object'],
    ['{"temporal":', 'expected object'],
    [JSON.stringify({ ...network, temporal: '' }), '→ at temporal'],
    [JSON.stringify({ ...network, chain: 'nowhere' }), '→ at chain'],
    [JSON.stringify({ ...network, token: 'hush' }), 'Unrecognized key: "token"'],
  ])('name the network’s file when it is %s', (text, reason) => {
    writeFileSync(file, text);
    const error = refusal({ GENKI_HOME: home });
    expect(error).toBeInstanceOf(InvalidInput);
    expect(error.message).toContain(file);
    expect(error.message).toContain(reason);
    expect(error.message).not.toContain('hush');
  });
});

describe('the store', () => {
  const S3 = { ...env, GENKI_S3_ENDPOINT: 'http://127.0.0.1:7070' };

  it('is the home’s folder, or S3 where an endpoint is named', () => {
    expect(readSettings(env).store).toEqual({ kind: 'folder', root: join(home, 'store') });
    const cache = { folder: join(home, 'cache'), maxBytes: 4 * 2 ** 30 };
    expect(readSettings(S3).store).toEqual({ kind: 's3', endpoint: S3.GENKI_S3_ENDPOINT, region: 'us-east-1', pathStyle: true, cache });
    expect(readSettings({ ...S3, GENKI_S3_REGION: 'eu-central-1', GENKI_S3_PATH_STYLE: 'false', GENKI_CACHE_BYTES: '0' }).store).toMatchObject({ region: 'eu-central-1', pathStyle: false, cache: { maxBytes: 0 } });
  });

  it.each<[string, NodeJS.ProcessEnv]>([
    ['GENKI_S3_ENDPOINT', { GENKI_S3_ENDPOINT: 'not an address' }],
    ['GENKI_S3_ENDPOINT', { GENKI_S3_ENDPOINT: 's3://bucket' }],
    ['GENKI_S3_ENDPOINT', { GENKI_S3_ENDPOINT: 'http://anna:hush@127.0.0.1:7070' }],
    ['GENKI_S3_ENDPOINT', { GENKI_S3_ENDPOINT: 'http://127.0.0.1:7070/?token=hush' }],
    ['GENKI_S3_REGION', { GENKI_S3_REGION: '' }],
    ['GENKI_S3_PATH_STYLE', { GENKI_S3_PATH_STYLE: 'yes' }],
    ['GENKI_CACHE_BYTES', { GENKI_CACHE_BYTES: '4GiB' }],
    ['GENKI_CACHE_BYTES', { GENKI_CACHE_BYTES: '' }],
    ['GENKI_CACHE_BYTES', { GENKI_CACHE_BYTES: '-1' }],
    ['AWS_SECRET_ACCESS_KEY', { AWS_ACCESS_KEY_ID: 'AKIDANNA' }],
    ['AWS_ACCESS_KEY_ID', { AWS_SECRET_ACCESS_KEY: 'hush' }],
  ])('is refused by the name of %s when it is wrong: %j', (name, variables) => {
    const error = refusal({ ...S3, ...variables });
    expect(error).toBeInstanceOf(InvalidInput);
    expect(error.message).toContain(name);
    expect(error.message).not.toContain('hush');
  });

  it('stays the one that the home was made on', () => {
    writeFileSync(s3File(home), JSON.stringify({ endpoint: S3.GENKI_S3_ENDPOINT, region: 'eu-central-1', pathStyle: false }));
    try {
      expect(readSettings(env).store).toMatchObject({ kind: 's3', endpoint: S3.GENKI_S3_ENDPOINT, region: 'eu-central-1', pathStyle: false });
      expect(refusal({ ...S3, GENKI_S3_ENDPOINT: 'http://127.0.0.1:7071' }).message).toContain(`Expected GENKI_S3_ENDPOINT to be ${S3.GENKI_S3_ENDPOINT}`);
    } finally {
      rmSync(s3File(home));
    }
  });

  it.each(['GENKI_S3_REGION', 'GENKI_S3_PATH_STYLE', 'GENKI_CACHE_BYTES'])('has no use for %s without an endpoint', (name) => {
    const value = name === 'GENKI_S3_PATH_STYLE' ? 'true' : '1';
    expect(refusal({ ...env, [name]: value })).toEqual(new InvalidInput(`Expected GENKI_S3_ENDPOINT beside ${name}, got none`));
  });
});

describe('the home', () => {
  it('is a folder beside the project, unless told', () => {
    expect(homeOf({})).toBe(resolve('.genki'));
    expect(homeOf({ GENKI_HOME: '/srv/genki' })).toBe('/srv/genki');
  });
});

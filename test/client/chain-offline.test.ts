import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeOffline, encodeOffline, signOffline } from '../../client/commands/chain-offline.ts';
import type { Terminal } from '../../client/terminal.ts';
import { createSigner } from '../../genki/chain/keys.ts';
import { Key } from '../../workers/keystore.ts';
import { Passphrase } from '../../workers/passphrase.ts';
import { saveWallet } from '../../workers/wallets.ts';
import { METADATA_424 } from '../genki/chain/subtensor/runtime.ts';

const home = mkdtempSync(join(tmpdir(), 'genki-offline-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));
const env = { GENKI_HOME: home };
const metadata = fileURLToPath(METADATA_424);
const seed = '5e'.repeat(32);
const { hotkey } = createSigner(seed);
const where = { genesis: `0x${'2f'.repeat(32)}`, block: 5_000_000, blockHash: `0x${'b0'.repeat(32)}` };

beforeAll(async () => {
  const words = 'c0'.repeat(32);
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, 'passphrase'), words, { mode: 0o600 });
  await saveWallet(join(home, 'wallets'), 'cold', { key: Key.from(seed), passphrase: new Passphrase(words, 'a test') });
});

/** What a command says, and beside it. */
async function said(command: (terminal: Terminal) => Promise<void>): Promise<{ out: string; beside: string }> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const heard = Promise.all([text(stdout), text(stderr)]);
  try {
    await command({ stdin: Readable.from([]), stdout, stderr });
  } finally {
    stdout.end();
    stderr.end();
  }
  const [out, beside] = await heard;
  return { out, beside };
}
const refusal = async (command: (terminal: Terminal) => Promise<void>): Promise<string> => await said(command).then(() => expect.unreachable('it was taken'), (error: unknown) => (error as Error).message);

describe('a cold wallet', () => {
  const own = JSON.stringify({ kind: 'register', netuid: 3, hotkey, limitPrice: '1000000000' });

  it('encodes, signs and reads what it signed, with no network', async () => {
    const encoded = await said((io) => encodeOffline('subtensorModule.registerLimit', JSON.stringify({ netuid: 3, hotkey, limitPrice: 1_000_000_000 }), { metadata, json: false }, io));
    expect(encoded.beside).toBe(`subtensorModule.registerLimit\n  netuid      3\n  hotkey      ${hotkey}\n  limitPrice  1000000000\n`);
    expect((await said((io) => encodeOffline(own, undefined, { metadata, json: false }, io))).out).toBe(encoded.out);

    const signed = await said((io) => signOffline(encoded.out, { metadata, json: false, key: 'cold', nonce: 7, period: 64, ...where }, env, io));
    expect(signed.beside).toContain(`registerLimit`);
    expect(signed.beside).toContain(`for node-subtensor 424, blocks 5000001 to 5000063, nonce 7\nsigned by ${hotkey}\n`);

    const decoded = await said((io) => decodeOffline(signed.out, { metadata, json: true, ...where }, io));
    expect(JSON.parse(decoded.out)).toMatchObject({ own: JSON.parse(own) as object, signed: { signer: hotkey, nonce: 7, tip: '0', era: { period: 64, phase: 0 } }, isSignedFor: true });
    const shown = await said((io) => decodeOffline(signed.out, { metadata, json: false, ...where, block: where.block + 1 }, io));
    expect(shown.out).toContain('Its signature is NOT good for this chain, runtime and block.');
  });

  it('shows calls within calls', async () => {
    const inner = { pallet: 'subtensorModule', method: 'triggerEpoch', args: { netuid: 3 } };
    const { out, beside } = await said((io) => encodeOffline('utility.batchAll', JSON.stringify({ calls: [inner, inner] }), { metadata, json: false }, io));
    expect(beside).toBe('utility.batchAll\n  calls\n    subtensorModule.triggerEpoch\n      netuid  3\n    subtensorModule.triggerEpoch\n      netuid  3\n');
    expect((await said((io) => decodeOffline(out, { metadata, json: false }, io))).out).toBe(beside);
  });

  it.each<[string, (io: Terminal) => Promise<void>, string]>([
    ['a call that is none', (io) => encodeOffline('subtensorModule', undefined, { metadata, json: false }, io), 'Expected a call such as'],
    ['arguments that are no object', (io) => encodeOffline('system.remark', '[1]', { metadata, json: false }, io), 'as a JSON object'],
    ['one of ours that is half', (io) => encodeOffline('{"kind":"setWeights"}', undefined, { metadata, json: false }, io), 'Expected a call such as {"kind"'],
    ['metadata that is none', (io) => encodeOffline('system.remark', '{}', { metadata: join(home, 'passphrase'), json: false }, io), 'which begins with "meta"'],
    ['metadata that is not there', (io) => encodeOffline('system.remark', '{}', { metadata: join(home, 'nothing'), json: false }, io), 'there is no such file'],
    ['bytes that are none', (io) => decodeOffline('0xzz', { metadata, json: false }, io), 'Expected bytes in hex'],
    ['a key that is not there', (io) => signOffline('0x078d0300', { metadata, json: false, key: 'hot', nonce: 0, period: 64, ...where }, env, io), 'Expected one of the keys cold, got "hot"'],
    ['a seed for a key', (io) => signOffline('0x078d0300', { metadata, json: false, key: seed, nonce: 0, period: 64, ...where }, env, io), 'got what may be a secret'],
  ])('refuses %s', async (_, command, message) => {
    expect(await refusal(command)).toContain(message);
  });
});

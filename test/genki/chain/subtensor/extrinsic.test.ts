import type { Extrinsic, ExtrinsicPayload } from '@polkadot/types/interfaces';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { describe, expect, it, vi } from 'vitest';
import { createSigner, verifySignature } from '../../../../genki/chain/keys.ts';
import { callsOf } from '../../../../genki/chain/subtensor/call-shape.ts';
import { runtimeCall } from '../../../../genki/chain/subtensor/calls.ts';
import { eraOf } from '../../../../genki/chain/subtensor/era.ts';
import type { SigningContext } from '../../../../genki/chain/subtensor/extensions.ts';
import { decodeExtrinsic, isSignedFor, signCall } from '../../../../genki/chain/subtensor/extrinsic.ts';
import { encodeCall } from '../../../../genki/chain/subtensor/runtime-call.ts';
import { Random } from '../../../../genki/protocol/random.ts';
import { drawArgs } from './arguments.ts';
import { finney } from './runtime.ts';

const { registry, specVersion, transactionVersion } = finney;
const miner = createSigner('//miner');
const context: SigningContext = {
  genesisHash: `0x${'2f'.repeat(32)}`,
  specVersion,
  transactionVersion,
  nonce: 70_000,
  born: { number: 5_000_017, hash: `0x${'b0'.repeat(32)}` },
  period: 32,
};
const trigger = runtimeCall({ kind: 'triggerEpoch', netuid: 3 });

/** What polkadot.js would have signed. */
const payloadOf = (method: Uint8Array, { born, nonce, period, genesisHash }: SigningContext): Uint8Array => {
  const era = registry.createType('ExtrinsicEra', { current: born.number, period });
  const payload = registry.createType<ExtrinsicPayload>('ExtrinsicPayload', { method: `0x${bytesToHex(method)}`, era: era.toHex(), nonce, tip: 0, specVersion, transactionVersion, genesisHash, blockHash: born.hash, mode: 0, metadataHash: null }, { version: 4 });
  const bytes = payload.toU8a({ method: true });
  return bytes.length > 256 ? registry.hash(bytes).toU8a() : bytes;
};

describe('a signed extrinsic', () => {
  it('is what polkadot.js signs and reads', () => {
    const { hex, hash } = signCall(registry, trigger, context, miner);
    const theirs = registry.createType<Extrinsic>('Extrinsic', hex);
    expect(theirs.hash.toHex()).toBe(hash);
    expect([theirs.signer.toString(), theirs.nonce.toNumber(), theirs.tip.toNumber(), theirs.method.toHex()]).toEqual([miner.hotkey, 70_000, 0, '0x078d0300']);
    expect(theirs.era.asMortalEra.birth(context.born.number + 5)).toBe(context.born.number);
    expect(theirs.era.asMortalEra.death(context.born.number + 5)).toBe(context.born.number + 32);
    expect(verifySignature(payloadOf(hexToBytes('078d0300'), context), hexToBytes(decodeExtrinsic(registry, hexToBytes(hex.slice(2))).signed!.signature), miner.hotkey)).toBe(true);
  });

  it('goes round, with every call of both pallets', () => {
    const random = new Random('extrinsics');
    for (const shape of [...callsOf(registry, 'subtensorModule')!, ...callsOf(registry, 'commitments')!]) {
      const call = { pallet: shape.pallet, method: shape.method, args: drawArgs(registry, shape, random) };
      const drawn = { ...context, nonce: random.int(2 ** 32), born: { ...context.born, number: random.int(2 ** 32) }, period: 4 << random.int(10) };
      const signed = signCall(registry, call, drawn, miner);
      expect(signed).toMatchObject({ signer: miner.hotkey, nonce: drawn.nonce, bornAt: drawn.born.number, diesAt: drawn.born.number + drawn.period });
      const read = decodeExtrinsic(registry, hexToBytes(signed.hex.slice(2)));
      expect(read).toMatchObject({ hash: signed.hash, call, signed: { signer: miner.hotkey, nonce: drawn.nonce, tip: '0', era: eraOf(drawn.born.number, drawn.period) } });
      expect(isSignedFor(registry, read, drawn)).toBe(true);
      expect(verifySignature(payloadOf(encodeCall(registry, call), drawn), hexToBytes(read.signed!.signature), miner.hotkey)).toBe(true);
    }
  });

  it('is void for another chain, runtime, block or call', () => {
    const read = decodeExtrinsic(registry, hexToBytes(signCall(registry, trigger, context, miner).hex.slice(2)));
    expect(isSignedFor(registry, read, context)).toBe(true);
    expect(isSignedFor(registry, read, { ...context, genesisHash: context.born.hash })).toBe(false);
    expect(isSignedFor(registry, read, { ...context, specVersion: specVersion + 1 })).toBe(false);
    expect(isSignedFor(registry, read, { ...context, transactionVersion: transactionVersion + 1 })).toBe(false);
    expect(isSignedFor(registry, read, { ...context, born: { ...context.born, hash: context.genesisHash } })).toBe(false);
    expect(isSignedFor(registry, read, { ...context, born: { ...context.born, number: context.born.number + 1 } })).toBe(false);
    expect(isSignedFor(registry, { ...read, call: runtimeCall({ kind: 'triggerEpoch', netuid: 4 }) }, context)).toBe(false);
  });

  it.each<[string, Partial<SigningContext>]>([
    ['a period of 33', { period: 33 }],
    ['one for ever', { period: 65_536 }],
    ['a nonce below 0', { nonce: -1 }],
    ['half a hash', { genesisHash: `0x${'00'.repeat(16)}` }],
  ])('is not made with %s', (_, change) => {
    expect(() => signCall(registry, trigger, { ...context, ...change }, miner)).toThrow(expect.objectContaining({ name: 'InvalidInput' }));
  });

  it('cut or changed anywhere is refused, or not the signer\'s any more', () => {
    const random = new Random('changed extrinsics');
    const bytes = hexToBytes(signCall(registry, trigger, context, miner).hex.slice(2));
    for (let turn = 0; turn < 500; turn++) {
      const changed = bytes.slice(0, random.chance(0.3) ? random.int(bytes.length) : bytes.length);
      if (changed.length > 0) changed[random.int(changed.length)]! ^= 1 + random.int(255);
      try {
        expect(isSignedFor(registry, decodeExtrinsic(registry, changed), context)).toBe(false);
      } catch (error) {
        expect(error).toMatchObject({ name: 'InvalidInput' });
      }
    }
  });

  it('of nobody is read, too', () => {
    expect(decodeExtrinsic(registry, hexToBytes('1404078d0300'))).toMatchObject({ signed: null, call: trigger });
  });
});

it('nothing is warned of: every extension is declared', async () => {
  const warned = vi.spyOn(console, 'warn');
  const { readMetadata } = await import('../../../../genki/chain/subtensor/metadata.ts');
  const { METADATA_424 } = await import('./runtime.ts');
  const { readFileSync } = await import('node:fs');
  readMetadata(readFileSync(METADATA_424));
  expect(warned).not.toHaveBeenCalled();
  warned.mockRestore();
});

import type { Call as PolkadotCall } from '@polkadot/types/interfaces';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { describe, expect, it } from 'vitest';
import type { Call } from '../../../../genki/chain/chain.ts';
import { createSigner } from '../../../../genki/chain/keys.ts';
import { callsOf, type CallShape, type RuntimeCall } from '../../../../genki/chain/subtensor/call-shape.ts';
import { dataField, fieldData, ownCall, runtimeCall } from '../../../../genki/chain/subtensor/calls.ts';
import { decodeCall, encodeCall, hasCall } from '../../../../genki/chain/subtensor/runtime-call.ts';
import { Random } from '../../../../genki/protocol/random.ts';
import { drawArgs } from './arguments.ts';
import { finney } from './runtime.ts';

const { registry } = finney;
const { hotkey } = createSigner('//miner');
const netuid = 3;
const H256 = 'ab'.repeat(32);

const polkadotReads = (bytes: Uint8Array): PolkadotCall => registry.createType<PolkadotCall>('Call', bytes);

/** Ours, and what each is on the wire, by the indices and orders that the chain's source has. */
const OWN: readonly (readonly [Call, string])[] = [
  [{ kind: 'setCommitment', netuid, fields: [{ kind: 'raw', data: '6162' }] }, '1200' + '0300' + '04' + '03' + '6162'],
  [{ kind: 'setCommitment', netuid, fields: [{ kind: 'raw', data: '' }, { kind: 'sha256', data: H256 }, { kind: 'bigRaw', data: '01'.repeat(200) }] }, '1200' + '0300' + '0c' + '01' + `83${H256}` + `882103${'01'.repeat(200)}`],
  [{ kind: 'setCommitment', netuid, fields: [{ kind: 'blake2b256', data: H256 }, { kind: 'keccak256', data: H256 }, { kind: 'sha3-256', data: H256 }] }, `12000300` + `0c82${H256}84${H256}85${H256}`],
  [{ kind: 'setWeights', netuid, uids: [0, 256], weights: [65535, 1], versionKey: 7 }, '0700' + '0300' + '0800000001' + '08ffff0100' + '0700000000000000'],
  [{ kind: 'commitWeights', netuid, hash: `0x${H256}` }, `0760` + `0300${H256}`],
  [{ kind: 'revealWeights', netuid, uids: [1], weights: [2], salt: [3, 4], versionKey: 5 }, '0761' + '0300' + '040100' + '040200' + '0803000400' + '0500000000000000'],
  [{ kind: 'commitTimelockedWeights', netuid, commit: 'c0ffee', revealRound: 258, version: 4 }, '0771' + '0300' + '0cc0ffee' + '0201000000000000' + '0400'],
  [{ kind: 'register', netuid, hotkey, limitPrice: null }, `0707` + `0300${bytesOfHotkey()}`],
  [{ kind: 'register', netuid, hotkey, limitPrice: '1000000000' }, `0786` + `0300${bytesOfHotkey()}` + '00ca9a3b00000000'],
  [{ kind: 'triggerEpoch', netuid }, '078d' + '0300'],
];

function bytesOfHotkey(): string {
  return bytesToHex(createSigner('//miner').publicKey);
}

const hexOf = (call: RuntimeCall): string => bytesToHex(encodeCall(registry, call));

describe('our own calls', () => {
  it.each(OWN.map(([call, hex]) => [call.kind, call, hex] as const))('%s lies on the wire as the runtime reads it', (_, call, hex) => {
    expect(hexOf(runtimeCall(call))).toBe(hex);
    expect(polkadotReads(hexToBytes(hex)).toHex()).toBe(`0x${hex}`);
    expect(ownCall(decodeCall(registry, hexToBytes(hex)))).toEqual(call);
  });

  it('name their arguments in the order of the runtime', () => {
    for (const [call] of OWN) {
      const { pallet, method, args } = runtimeCall(call);
      expect(polkadotReads(encodeCall(registry, { pallet, method, args })).meta.args.map(({ name }) => name.toString().replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()))).toEqual(Object.keys(args));
    }
  });

  it.each<[string, Call]>([
    ['a raw field of 129 bytes', { kind: 'setCommitment', netuid, fields: [{ kind: 'raw', data: '00'.repeat(129) }] }],
    ['a big one of 513', { kind: 'setCommitment', netuid, fields: [{ kind: 'bigRaw', data: '00'.repeat(513) }] }],
    ['a hash of 31', { kind: 'setCommitment', netuid, fields: [{ kind: 'sha256', data: '00'.repeat(31) }] }],
    ['no field', { kind: 'setCommitment', netuid, fields: [] }],
    ['four fields', { kind: 'setCommitment', netuid, fields: Array.from({ length: 4 }, () => ({ kind: 'raw', data: '' }) as const) }],
    ['half a byte', { kind: 'setCommitment', netuid, fields: [{ kind: 'raw', data: '0' }] }],
    ['a timelock of 5,001 bytes', { kind: 'commitTimelockedWeights', netuid, commit: '00'.repeat(5001), revealRound: 1, version: 4 }],
    ['weights without uids', { kind: 'setWeights', netuid, uids: [], weights: [1], versionKey: 0 }],
    ['a weight above a u16', { kind: 'setWeights', netuid, uids: [1], weights: [65536], versionKey: 0 }],
    ['half a weight', { kind: 'setWeights', netuid, uids: [1], weights: [0.5], versionKey: 0 }],
    ['a subnet below 0', { kind: 'triggerEpoch', netuid: -1 }],
    ['a price above a u64', { kind: 'register', netuid, hotkey, limitPrice: '18446744073709551616' }],
    ['a price in words', { kind: 'register', netuid, hotkey, limitPrice: '1e9' }],
    ['an address of another network', { kind: 'register', netuid, hotkey: '15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5', limitPrice: null }],
  ])('are refused before they are signed: %s', (_, call) => {
    expect(() => encodeCall(registry, runtimeCall(call))).toThrow(expect.objectContaining({ name: 'InvalidInput' }));
  });

  it('that other runtimes do not have are found by name', () => {
    expect(hasCall(registry, 'subtensorModule', 'registerLimit')).toBe(true);
    expect(hasCall(registry, 'subtensorModule', 'commitCrv3Weights')).toBe(false);
    expect(hasCall(registry, 'nothing', 'registerLimit')).toBe(false);
  });

  it('take the fields of commitments from what the chain keeps', () => {
    for (const field of [{ kind: 'raw', data: '00ff' }, { kind: 'bigRaw', data: '' }, { kind: 'sha3-256', data: H256 }] as const) expect(dataField(fieldData(field))).toEqual(field);
    for (const other of ['None', { TimelockEncrypted: { encrypted: '0x00', revealRound: '1' } }, 'ResetBondsFlag', null, { Raw2: 5 }]) expect(dataField(other)).toBeUndefined();
  });
});

const allCalls = (pallets: readonly string[]): (readonly [string, CallShape])[] => pallets.flatMap((pallet) => callsOf(registry, pallet)!.map((shape) => [`${pallet}.${shape.method}`, shape] as const));

describe('every call', () => {
  it('is there', () => {
    expect(callsOf(registry, 'subtensorModule')).toHaveLength(78);
    expect(callsOf(registry, 'commitments')!.map(({ method }) => method)).toEqual(['setCommitment', 'setMaxSpace']);
  });

  it.each(allCalls(['subtensorModule', 'commitments', 'balances', 'utility', 'proxy', 'multisig', 'sudo', 'adminUtils']))('%s goes round, and polkadot.js reads the same bytes', (name, shape) => {
    for (let turn = 0; turn < 3; turn++) {
      const call: RuntimeCall = { pallet: shape.pallet, method: shape.method, args: drawArgs(registry, shape, new Random(`${name}/${turn}`)) };
      const bytes = encodeCall(registry, call);
      expect(decodeCall(registry, bytes)).toEqual(call);
      const theirs = polkadotReads(bytes);
      expect(`${theirs.section}.${theirs.method}`).toBe(name);
      expect(theirs.toHex()).toBe(`0x${bytesToHex(bytes)}`);
    }
  });
});

describe('arguments', () => {
  const setWeights = (args: Record<string, unknown>): RuntimeCall => ({ pallet: 'subtensorModule', method: 'setWeights', args });
  const whole = { netuid, dests: [1], weights: [2], versionKey: 0 };

  it.each<[string, RuntimeCall, string]>([
    ['one is missing', setWeights({ netuid, dests: [1], weights: [2] }), 'Expected an object of exactly netuid, dests, weights, versionKey at subtensorModule.setWeights'],
    ['one is too many', setWeights({ ...whole, more: 1 }), 'exactly netuid, dests, weights, versionKey'],
    ['one is misspelt', setWeights({ netuid, dests: [1], weights: [2], version_key: 0 }), 'exactly netuid, dests, weights, versionKey'],
    ['a number is none', setWeights({ ...whole, dests: [1, 'x'] }), 'Expected an integer of 16 bits from 0 at subtensorModule.setWeights.dests[1], got "x"'],
    ['a number is too large for JSON', setWeights({ ...whole, versionKey: 2 ** 60 }), 'Expected an integer of 64 bits from 0 at subtensorModule.setWeights.versionKey'],
    ['a list is none', setWeights({ ...whole, dests: 5 }), 'Expected an array at subtensorModule.setWeights.dests, got 5'],
    ['the pallet is unknown', { pallet: 'subtensor', method: 'setWeights', args: whole }, 'subtensorModule'],
    ['the call is unknown', { pallet: 'subtensorModule', method: 'setWeight', args: whole }, 'Expected a call that subtensorModule of this runtime has, got "setWeight"'],
    ['a variant is unknown', { pallet: 'commitments', method: 'setCommitment', args: { netuid, info: { fields: [{ Raw129: '0x' }] } } }, 'Expected one of None, Raw0'],
    ['bytes are too few', { pallet: 'commitments', method: 'setCommitment', args: { netuid, info: { fields: [{ Raw2: '0x00' }] } } }, 'Expected 2 bytes at commitments.setCommitment.info.fields[0].Raw2'],
    ['bytes are no hex', { pallet: 'system', method: 'remark', args: { remark: 'hello' } }, 'Expected bytes as 0x and hex at system.remark'],
  ])('are refused, with the place: %s', (_, call, message) => {
    expect(() => encodeCall(registry, call)).toThrow(message);
    expect(() => encodeCall(registry, call)).toThrow(expect.objectContaining({ name: 'InvalidInput' }));
  });

  it('that may be a secret are not repeated', () => {
    const seed = `0x${'5e'.repeat(32)}`;
    const mnemonic = 'legal winner thank year wave sausage worth useful legal winner thank yellow';
    for (const secret of [seed, mnemonic]) {
      for (const call of [{ pallet: 'subtensorModule', method: 'burnedRegister', args: { netuid, hotkey: secret } }, { pallet: secret, method: 'x', args: {} }, { pallet: 'system', method: secret, args: {} }]) {
        expect(() => encodeCall(registry, call)).toThrow(expect.not.objectContaining({ message: expect.stringContaining(secret) }));
      }
    }
  });

  it('of a batch are calls themselves', () => {
    const inner = runtimeCall({ kind: 'triggerEpoch', netuid });
    const batch: RuntimeCall = { pallet: 'utility', method: 'batch', args: { calls: [inner, inner] } };
    expect(decodeCall(registry, encodeCall(registry, batch))).toEqual(batch);
    expect(() => encodeCall(registry, { ...batch, args: { calls: [{ ...inner, args: { netuid: 'x' } }] } })).toThrow('at utility.batch.calls[0] > subtensorModule.triggerEpoch.netuid');
  });
});

describe('hostile bytes', () => {
  const refused = (hex: string): void => expect(() => decodeCall(registry, hexToBytes(hex))).toThrow(expect.objectContaining({ name: 'InvalidInput' }));

  it.each([
    ['nothing', ''],
    ['a pallet without calls', 'fe00'],
    ['a call that is not there', '07ff'],
    ['a byte too many', '078d030000'],
    ['a byte too few', '078d03'],
    ['a list longer than its bytes', '0700030002093d00'],
    ['a list of a billion', '070003000300000040'],
    ['a length in a longer form', '07000300010004000100'],
    ['an option of neither', '073b02'],
    ['a variant that is not there', `12000300040489`],
  ])('%s', (_, hex) => refused(hex));

  it('cut anywhere, or with a byte changed, are refused or read as what they then are', () => {
    const random = new Random('hostile');
    for (const [, shape] of allCalls(['subtensorModule', 'commitments', 'utility', 'proxy'])) {
      const bytes = encodeCall(registry, { pallet: shape.pallet, method: shape.method, args: drawArgs(registry, shape, random) });
      for (let turn = 0; turn < 20; turn++) {
        const changed = bytes.slice(0, random.chance(0.5) ? random.int(bytes.length) : bytes.length);
        if (changed.length > 0) changed[random.int(changed.length)] = random.int(256);
        let read: RuntimeCall | undefined;
        try {
          read = decodeCall(registry, changed);
        } catch (error) {
          expect(error).toMatchObject({ name: 'InvalidInput' });
        }
        if (read) expect(encodeCall(registry, read)).toEqual(changed);
      }
    }
  });

  it('with calls in calls in calls end in time', () => {
    const index = bytesToHex(encodeCall(registry, { pallet: 'utility', method: 'batch', args: { calls: [] } })).slice(0, 4);
    refused(`${index}04`.repeat(100_000) + '078d0300');
  });
});

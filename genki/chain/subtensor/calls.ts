import { InvalidInput } from '../../errors.ts';
import type { Call, CommitmentField } from '../chain.ts';
import { ipNumber, ipText } from '../ip.ts';
import type { RuntimeCall } from './call-shape.ts';

/** Longest payloads that a commitment's fields take, bytes. */
const MAX_RAW = 128;
const MAX_BIG_RAW = 512;
const MAX_FIELDS = 3;
const MAX_TIMELOCKED = 5000;

const HASHES = { blake2b256: 'BlakeTwo256', sha256: 'Sha256', keccak256: 'Keccak256', 'sha3-256': 'ShaThree256' } as const;

/**
 * The runtime's own call for one of ours.
 *
 * @throws {InvalidInput} for payloads that the chain would refuse: nothing too long is ever signed
 */
export function runtimeCall(call: Call): RuntimeCall {
  const { netuid } = call;
  const subtensor = (method: string, args: RuntimeCall['args']): RuntimeCall => ({ pallet: 'subtensorModule', method, args: { netuid, ...args } });
  switch (call.kind) {
    case 'setCommitment':
      if (call.fields.length < 1 || call.fields.length > MAX_FIELDS) throw new InvalidInput(`Expected 1 to ${MAX_FIELDS} fields of a commitment, got ${call.fields.length}`);
      return { pallet: 'commitments', method: 'setCommitment', args: { netuid, info: { fields: call.fields.map(fieldData) } } };
    case 'setWeights':
      return subtensor('setWeights', { dests: sameLength(call.uids, call.weights), weights: call.weights, versionKey: call.versionKey });
    case 'setMechanismWeights':
      return subtensor('setMechanismWeights', { mecid: call.mecid, dests: sameLength(call.uids, call.weights), weights: call.weights, versionKey: call.versionKey });
    case 'commitWeights':
      return subtensor('commitWeights', { commitHash: call.hash });
    case 'revealWeights':
      return subtensor('revealWeights', { uids: sameLength(call.uids, call.weights), values: call.weights, salt: call.salt, versionKey: call.versionKey });
    case 'commitTimelockedWeights':
      return subtensor('commitTimelockedWeights', { commit: payload(call.commit, MAX_TIMELOCKED), revealRound: call.revealRound, commitRevealVersion: call.version });
    case 'register':
      return call.limitPrice === null ? subtensor('burnedRegister', { hotkey: call.hotkey }) : subtensor('registerLimit', { hotkey: call.hotkey, limitPrice: call.limitPrice });
    case 'triggerEpoch':
      return subtensor('triggerEpoch', {});
    case 'serveAxon': {
      const { type, value } = ipNumber(call.ip);
      return subtensor('serveAxon', { version: call.version, ip: String(value), port: call.port, ipType: type, protocol: call.protocol, placeholder1: 0, placeholder2: 0 });
    }
  }
}

/** A commitment's field as the runtime's `Data` has it: `{Raw5: '0x…'}`, `{Sha256: '0x…'}`, `{BigRaw: '0x…'}`. */
export function fieldData({ kind, data }: CommitmentField): Readonly<Record<string, string>> {
  switch (kind) {
    case 'raw':
      return { [`Raw${payload(data, MAX_RAW).length / 2 - 1}`]: `0x${data}` };
    case 'bigRaw':
      return { BigRaw: payload(data, MAX_BIG_RAW) };
    default:
      if (data.length !== 64) throw new InvalidInput(`Expected 32 bytes of ${kind}, got ${data.length / 2}`);
      return { [HASHES[kind]]: `0x${data}` };
  }
}

/** The field behind a runtime's `Data`; undefined for what we have no kind for, such as a timelocked one. */
export function dataField(data: unknown): CommitmentField | undefined {
  if (typeof data !== 'object' || data === null) return undefined;
  const [name, value] = Object.entries(data)[0] ?? [];
  if (name === undefined || typeof value !== 'string' || !/^0x([0-9a-f]{2})*$/.test(value)) return undefined;
  const hash = (Object.keys(HASHES) as (keyof typeof HASHES)[]).find((kind) => HASHES[kind] === name);
  const kind = hash ?? (name === 'BigRaw' ? 'bigRaw' : /^Raw\d+$/.test(name) ? 'raw' : undefined);
  return kind && { kind, data: value.slice(2) };
}

/** One of our own calls, where a runtime's is one and has no number above 2⁵³ − 1. The inverse of `runtimeCall`. */
export function ownCall({ pallet, method, args }: RuntimeCall): Call | undefined {
  if (['versionKey', 'revealRound'].some((name) => args[name] !== undefined && !Number.isSafeInteger(Number(args[name])))) return undefined;
  const netuid = args['netuid'] as number;
  const weights = (uids: unknown, values: unknown): { uids: number[]; weights: number[]; versionKey: number } => ({ uids: uids as number[], weights: values as number[], versionKey: Number(args['versionKey']) });
  switch (`${pallet}.${method}`) {
    case 'commitments.setCommitment': {
      const fields = (args['info'] as { fields: unknown[] }).fields.map(dataField);
      return fields.length > 0 && fields.every((field) => field !== undefined) ? { kind: 'setCommitment', netuid, fields } : undefined;
    }
    case 'subtensorModule.setWeights':
      return { kind: 'setWeights', netuid, ...weights(args['dests'], args['weights']) };
    case 'subtensorModule.setMechanismWeights':
      return { kind: 'setMechanismWeights', netuid, mecid: args['mecid'] as number, ...weights(args['dests'], args['weights']) };
    case 'subtensorModule.commitWeights':
      return { kind: 'commitWeights', netuid, hash: args['commitHash'] as string };
    case 'subtensorModule.revealWeights':
      return { kind: 'revealWeights', netuid, salt: args['salt'] as number[], ...weights(args['uids'], args['values']) };
    case 'subtensorModule.commitTimelockedWeights':
      return { kind: 'commitTimelockedWeights', netuid, commit: (args['commit'] as string).slice(2), revealRound: Number(args['revealRound']), version: args['commitRevealVersion'] as number };
    case 'subtensorModule.burnedRegister':
      return { kind: 'register', netuid, hotkey: args['hotkey'] as string, limitPrice: null };
    case 'subtensorModule.registerLimit':
      return { kind: 'register', netuid, hotkey: args['hotkey'] as string, limitPrice: String(args['limitPrice']) };
    case 'subtensorModule.triggerEpoch':
      return { kind: 'triggerEpoch', netuid };
    case 'subtensorModule.serveAxon': {
      const type = args['ipType'];
      if ((type !== 4 && type !== 6) || args['placeholder1'] !== 0 || args['placeholder2'] !== 0) return undefined;
      const numbers = { port: args['port'] as number, protocol: args['protocol'] as number, version: args['version'] as number };
      return { kind: 'serveAxon', netuid, ip: ipText({ type, value: BigInt(args['ip'] as string) }), ...numbers };
    }
    default:
      return undefined;
  }
}

function payload(hex: string, limit: number): string {
  if (!/^([0-9a-f]{2})*$/.test(hex)) throw new InvalidInput('Expected a payload in lower-case hex');
  if (hex.length > 2 * limit) throw new InvalidInput(`Expected at most ${limit} bytes of payload, got ${hex.length / 2}`);
  return `0x${hex}`;
}

function sameLength(uids: readonly number[], weights: readonly number[]): readonly number[] {
  if (uids.length !== weights.length) throw new InvalidInput(`Expected as many weights as uids, ${uids.length}, got ${weights.length}`);
  return uids;
}

import type { Call, CommitmentField } from '../../../genki/chain/chain.ts';
import { ipText } from '../../../genki/chain/ip.ts';
import type { WireRuntime } from './wire-runtime.ts';

/** A call as polkadot.js reads it: names in camel case, integers above 2^53 in hex. */
type Args = Readonly<Record<string, unknown>>;

/** A call that leaves no trace but its nonce and its event: what somebody else with the same key might send. */
export type Remark = { readonly kind: 'remark' };

const LIMITS = { fields: 3, bigRaw: 512, timelocked: 5000 };

/**
 * The call behind its bytes, by the runtime's metadata.
 *
 * @returns undefined for a call of that runtime that the chain here does not know
 * @throws on bytes that the runtime could not decode
 */
export function readCall(runtime: WireRuntime, bytes: Uint8Array): Call | Remark | undefined {
  const call = runtime.registry.createType('Call', bytes);
  if (call.encodedLength !== bytes.length) throw new RangeError(`Expected a call of ${call.encodedLength} bytes, got ${bytes.length}`);
  const { args } = call.toJSON() as { readonly args: Args };
  return READERS[`${call.section}.${call.method}`]?.(camelCased(args));
}

const READERS: Readonly<Record<string, (args: Args) => Call | Remark | undefined>> = {
  'system.remark': () => ({ kind: 'remark' }),
  'system.remarkWithEvent': () => ({ kind: 'remark' }),
  'commitments.setCommitment': (args) => {
    const fields = fieldsOf(args['info'] as { readonly fields: readonly Args[] });
    return fields && { kind: 'setCommitment', netuid: Number(args['netuid']), fields };
  },
  'subtensorModule.setWeights': (args) => ({ kind: 'setWeights', ...rowOf(args, 'dests', 'weights') }),
  'subtensorModule.setMechanismWeights': (args) => ({ kind: 'setMechanismWeights', mecid: Number(args['mecid']), ...rowOf(args, 'dests', 'weights') }),
  'subtensorModule.commitWeights': (args) => ({ kind: 'commitWeights', netuid: Number(args['netuid']), hash: String(args['commitHash']) }),
  'subtensorModule.revealWeights': (args) => ({ kind: 'revealWeights', ...rowOf(args, 'uids', 'values'), salt: args['salt'] as number[] }),
  'subtensorModule.commitTimelockedWeights': (args) => ({
    kind: 'commitTimelockedWeights',
    netuid: Number(args['netuid']),
    commit: within(LIMITS.timelocked, String(args['commit']).slice(2)),
    revealRound: Number(args['revealRound']),
    version: Number(args['commitRevealVersion']),
  }),
  'subtensorModule.burnedRegister': (args) => ({ kind: 'register', netuid: Number(args['netuid']), hotkey: String(args['hotkey']), limitPrice: null }),
  'subtensorModule.registerLimit': (args) => ({ kind: 'register', netuid: Number(args['netuid']), hotkey: String(args['hotkey']), limitPrice: String(BigInt(args['limitPrice'] as string)) }),
  'subtensorModule.triggerEpoch': (args) => ({ kind: 'triggerEpoch', netuid: Number(args['netuid']) }),
  'subtensorModule.serveAxon': (args) => {
    const type = Number(args['ipType']);
    // the runtime's InvalidIpType: no call of ours has another
    if (type !== 4 && type !== 6) return undefined;
    const [netuid, port, protocol, version] = ['netuid', 'port', 'protocol', 'version'].map((name) => Number(args[name])) as [number, number, number, number];
    return { kind: 'serveAxon', netuid, ip: ipText({ type, value: BigInt(args['ip'] as string) }), port, protocol, version };
  },
};

const rowOf = (args: Args, uids: string, weights: string): { netuid: number; uids: number[]; weights: number[]; versionKey: number } => ({
  netuid: Number(args['netuid']),
  uids: args[uids] as number[],
  weights: args[weights] as number[],
  versionKey: Number(args['versionKey']),
});

const HASHES: Readonly<Record<string, CommitmentField['kind']>> = { blakeTwo256: 'blake2b256', sha256: 'sha256', keccak256: 'keccak256', shaThree256: 'sha3-256' };

/** Undefined where a field is of a kind that the chain here does not keep: none, timelocked or a flag. */
function fieldsOf({ fields }: { readonly fields: readonly Args[] }): CommitmentField[] | undefined {
  if (fields.length > LIMITS.fields) throw new RangeError(`Expected at most ${LIMITS.fields} fields, got ${fields.length}`);
  const read = fields.map((field): CommitmentField | undefined => {
    const [[name, value]] = Object.entries(field) as [[string, unknown]];
    const data = String(value).slice(2);
    if (/^raw\d+$/.test(name)) return { kind: 'raw', data };
    if (name === 'bigRaw') return { kind: 'bigRaw', data: within(LIMITS.bigRaw, data) };
    return HASHES[name] && { kind: HASHES[name], data };
  });
  return read.every((field) => field !== undefined) ? read : undefined;
}

function within(limit: number, hex: string): string {
  if (hex.length > 2 * limit) throw new RangeError(`Expected at most ${limit} bytes, got ${hex.length / 2}`);
  return hex;
}

/** Arguments keep the metadata's own names. */
const camelCased = (args: Args): Args => Object.fromEntries(Object.entries(args).map(([name, value]) => [name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase()), value]));

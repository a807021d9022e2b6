import { readFile, stat } from 'node:fs/promises';
import * as z from 'zod';
import { parseJson } from '../../activities/parse-json.ts';
import { CallSchema } from '../../genki/chain/local/call-codec.ts';
import { looksSecret } from '../../genki/chain/looks-secret.ts';
import type { RuntimeCall } from '../../genki/chain/subtensor/call-shape.ts';
import { callWords, signedWords } from '../../genki/chain/subtensor/call-words.ts';
import { ownCall, runtimeCall } from '../../genki/chain/subtensor/calls.ts';
import { decodeExtrinsic, isSignedFor, signCall, type DecodedExtrinsic } from '../../genki/chain/subtensor/extrinsic.ts';
import { readMetadata, type Runtime } from '../../genki/chain/subtensor/metadata.ts';
import { decodeCall, encodeCall } from '../../genki/chain/subtensor/runtime-call.ts';
import { InvalidInput } from '../../genki/errors.ts';
import type { Terminal } from '../terminal.ts';
import { unlockKey } from './keys.ts';

const MAX_METADATA_BYTES = 32 * 1024 * 1024;
/** Of the largest call, in hex. */
const MAX_HEX = 2 * 4 * 1024 * 1024 + 64;

type Offline = { /** file */ readonly metadata: string; readonly json: boolean };

/** `genki chain encode`: a call's bytes, from metadata alone. */
export async function encodeOffline(call: string, args: string | undefined, { metadata, json }: Offline, terminal: Terminal = process): Promise<void> {
  const { registry } = await runtimeOf(metadata);
  const named = callOf(call, args);
  const hex = hexOf(encodeCall(registry, named));
  if (json) return print(terminal, { hex, call: named });
  terminal.stderr.write(`${callWords(named).join('\n')}\n`);
  terminal.stdout.write(`${hex}\n`);
}

type DecodeOptions = Offline & { readonly genesis?: string; readonly block?: number; readonly blockHash?: string };

/** `genki chain decode`: what a call or an extrinsic says; with the block that it was born at, whether its signature is good. */
export async function decodeOffline(text: string, { metadata, json, genesis, block, blockHash }: DecodeOptions, terminal: Terminal = process): Promise<void> {
  const runtime = await runtimeOf(metadata);
  const bytes = bytesOf(text);
  const extrinsic = isExtrinsic(bytes) ? decodeExtrinsic(runtime.registry, bytes) : undefined;
  const call = extrinsic?.call ?? decodeCall(runtime.registry, bytes);
  const isGood = extrinsic?.signed && genesis !== undefined && block !== undefined && blockHash !== undefined ? checked(runtime, extrinsic, { genesis, block, blockHash }) : undefined;
  if (json) return print(terminal, { call, own: ownCall(call) ?? null, ...(extrinsic && { hash: extrinsic.hash, signed: extrinsic.signed }), ...(isGood !== undefined && { isSignedFor: isGood }) });
  const verdict = isGood === undefined ? [] : [isGood ? 'Its signature is good for this chain, runtime and block.' : 'Its signature is NOT good for this chain, runtime and block.'];
  terminal.stdout.write(`${[...callWords(call), ...(extrinsic ? signedWords(extrinsic) : []), ...verdict].join('\n')}\n`);
}

type SignOptions = Offline & { readonly key: string; readonly genesis: string; readonly nonce: number; readonly block: number; readonly blockHash: string; readonly period: number };

/** `genki chain sign`: a signed extrinsic, with no network; what is signed is said first. */
export async function signOffline(text: string, { metadata, json, key: name, genesis, nonce, block, blockHash, period }: SignOptions, env: NodeJS.ProcessEnv, terminal: Terminal = process): Promise<void> {
  const { registry, specName, specVersion, transactionVersion } = await runtimeOf(metadata);
  const call = decodeCall(registry, bytesOf(text));
  terminal.stderr.write(`${callWords(call).join('\n')}\nfor ${specName} ${specVersion}, blocks ${block + 1} to ${block + period - 1}, nonce ${nonce}\n`);
  const context = { genesisHash: genesis, specVersion, transactionVersion, nonce, born: { number: block, hash: blockHash }, period };
  const signed = signCall(registry, call, context, await unlockKey(name, env, terminal));
  if (json) return print(terminal, signed);
  terminal.stderr.write(`signed by ${signed.signer}\n`);
  terminal.stdout.write(`${signed.hex}\n`);
}

function checked({ registry, specVersion, transactionVersion }: Runtime, extrinsic: DecodedExtrinsic, { genesis, block, blockHash }: { genesis: string; block: number; blockHash: string }): boolean {
  return isSignedFor(registry, extrinsic, { genesisHash: genesis, specVersion, transactionVersion, born: { number: block, hash: blockHash } });
}

/** One of our own kinds as JSON, or a call by its name with its arguments as JSON. */
function callOf(call: string, args: string | undefined): RuntimeCall {
  if (call.trimStart().startsWith('{')) {
    const parsed = CallSchema.safeParse(parseJson(call));
    if (!parsed.success) throw new InvalidInput(`Expected a call such as {"kind":"triggerEpoch","netuid":1}:\n${z.prettifyError(parsed.error)}`);
    return runtimeCall(parsed.data);
  }
  const [, pallet, method] = /^(\w{1,80})\.(\w{1,80})$/.exec(call) ?? [];
  if (pallet === undefined || method === undefined) throw new InvalidInput('Expected a call such as subtensorModule.burnedRegister, or one of our own as JSON');
  const json = parseJson(args ?? '{}');
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw new InvalidInput('Expected the arguments of the call as a JSON object');
  return { pallet, method, args: json as RuntimeCall['args'] };
}

/** A compact length of exactly what follows, and a version: calls do not begin so. */
function isExtrinsic(bytes: Buffer): boolean {
  const width = [1, 2, 4][(bytes[0] ?? 3) & 3];
  if (width === undefined || bytes.length <= width) return false;
  return bytes.readUIntLE(0, width) >>> 2 === bytes.length - width && [0x04, 0x84].includes(bytes[width]!);
}

function bytesOf(text: string): Buffer {
  const hex = text.trim().replace(/^0x/, '');
  if (hex.length > MAX_HEX || !/^([0-9a-f]{2})+$/i.test(hex)) throw new InvalidInput(`Expected bytes in hex${looksSecret(text) ? ', got what may be a secret' : ''}`);
  return Buffer.from(hex, 'hex');
}

async function runtimeOf(file: string): Promise<Runtime> {
  const found = await stat(file).catch((cause: NodeJS.ErrnoException) => {
    throw new InvalidInput(`Expected the runtime's metadata in ${file}, ${cause.code === 'ENOENT' ? 'there is no such file' : `got ${cause.code}`}`, { cause });
  });
  if (!found.isFile() || found.size > MAX_METADATA_BYTES) throw new InvalidInput(`Expected a file of at most ${MAX_METADATA_BYTES} bytes, ${file} is none`);
  return readMetadata(await readFile(file));
}

const hexOf = (bytes: Uint8Array): string => `0x${Buffer.from(bytes).toString('hex')}`;

function print({ stdout }: Terminal, value: unknown): void {
  stdout.write(`${JSON.stringify(value)}\n`);
}

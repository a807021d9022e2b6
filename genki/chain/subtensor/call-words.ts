import type { DecodedExtrinsic } from './extrinsic.ts';
import type { RuntimeCall } from './call-shape.ts';

/** Longer values are cut: what is signed is the bytes, not this text. */
const MAX_VALUE = 400;

/** What a call says, as lines for a person: its name, then each argument; calls within it further in. */
export function callWords({ pallet, method, args }: RuntimeCall, indent = ''): string[] {
  const width = Math.max(0, ...Object.keys(args).map((name) => name.length));
  return [`${indent}${pallet}.${method}`, ...Object.entries(args).flatMap(([name, value]) => argumentWords(`${indent}  ${name.padEnd(width)}  `, value))];
}

/** What an extrinsic says beside its call. */
export function signedWords({ hash, signed }: DecodedExtrinsic): string[] {
  if (signed === null) return [`unsigned, ${hash}`];
  const { signer, nonce, tip, era } = signed;
  const life = era === null ? 'for ever: whoever has it can send it at any time' : `for ${era.period} blocks from one whose number is ${era.phase} modulo ${era.period}`;
  return [`signed by ${signer}`, `  nonce  ${nonce}`, `  tip    ${tip} rao`, `  alive  ${life}`, `  hash   ${hash}`];
}

function argumentWords(lead: string, value: unknown): string[] {
  if (isCall(value)) return [lead.trimEnd(), ...callWords(value, `${' '.repeat(lead.length - lead.trimStart().length)}  `)];
  if (Array.isArray(value) && value.length > 0 && value.every(isCall)) return [lead.trimEnd(), ...value.flatMap((call) => callWords(call, `${' '.repeat(lead.length - lead.trimStart().length)}  `))];
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return [`${lead}${text.length > MAX_VALUE ? `${text.slice(0, MAX_VALUE)}… (${text.length} characters)` : text}`];
}

const isCall = (value: unknown): value is RuntimeCall => typeof value === 'object' && value !== null && Object.keys(value).join() === 'pallet,method,args';

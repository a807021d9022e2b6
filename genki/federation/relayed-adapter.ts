import { BadSubmission } from '../errors.ts';
import type { LanguageConfig } from '../music/config.ts';
import { decodeAdapter, updateNorm, type LoraConfig } from '../music/lora.ts';
import type { Competition } from '../protocol/competition.ts';
import { decodeSafetensors, encodeSafetensors, type TensorLimits } from '../protocol/safetensors.ts';

/** The entry of the file's metadata that names the Dama that the adapter belongs to. */
const BASE = 'base_model_digest';
/** Of a digest, and some more: what is longer is a message of its author. */
const MAX_BASE = 64;

export type ExpectedAdapter = { readonly music: LanguageConfig; readonly lora: LoraConfig; readonly maxNorm: number; readonly limits: TensorLimits };

/** What a competition asks of an adapter that is passed on, for a model. */
export const expectedAdapter = ({ lora, limits }: Pick<Competition, 'lora' | 'limits'>, music: LanguageConfig): ExpectedAdapter => ({ music, lora, maxNorm: limits.updateNorm, limits: { maxTensors: limits.adapterTensors, maxElements: limits.adapterElements } });

/** An adapter that is passed on, and what it says to belong to. */
export type RelayedAdapter = { /** content digest of a Dama */ readonly base: string; readonly norm: number; /** the file with the tensors and this base, and with nothing else that its author may have put into it */ readonly file: Uint8Array };

/**
 * An adapter's file, in PEFT's format, with the Dama named that it belongs to.
 * @param bytes an adapter's file
 * @param base the Dama's content digest
 */
export const nameBase = (bytes: Uint8Array, base: string): Uint8Array => encodeSafetensors(decodeSafetensors(bytes).tensors, { format: 'pt', [BASE]: base });

/**
 * An adapter from outside that says which Dama it belongs to.
 * @throws {BadSubmission} naming what was expected and found: the entry that names the Dama, a tensor, its shape or
 *   values, the norm of the update
 */
export function openRelayed(bytes: Uint8Array, { music, lora, maxNorm, limits }: ExpectedAdapter): RelayedAdapter {
  const { tensors, metadata } = decodeSafetensors(bytes, limits);
  const base = metadata[BASE];
  if (base === undefined) throw new BadSubmission(`Expected the entry ${BASE} in the adapter's metadata, got none`);
  if (base.length > MAX_BASE) throw new BadSubmission(`Expected the entry ${BASE} to be a digest, got ${base.length} characters`);
  const adapter = decodeAdapter(bytes, { music, lora, maxNorm });
  return { base, norm: updateNorm(adapter), file: encodeSafetensors(tensors, { format: 'pt', [BASE]: base }) };
}

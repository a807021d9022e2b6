import { InvalidInput } from '../../errors.ts';
import type { PeftConfig } from './peft-config.ts';

/** The model that an adapter is to be applied to. */
export type AdapterBase = {
  /** Base64 sha256 of its content, which our own adapters name. */
  readonly digest: string;
  /** What an adapter from elsewhere may call it: the repository or folder it came from, as `name` or `name@revision`. */
  readonly names?: readonly string[];
  /** Takes an adapter whatever model it names, unless it names another one's digest. Default false. */
  readonly anyName?: boolean;
};

const DIGEST = /^[A-Za-z0-9+/]{43}=$/;

/**
 * Refuses an adapter of another base.
 * @throws {InvalidInput} naming both, and how to take an adapter that names its base otherwise
 */
export function checkBase({ base_model_name_or_path: name, revision }: PeftConfig, { digest, names = [], anyName = false }: AdapterBase): void {
  if (name === digest) return;
  if (typeof name === 'string' && DIGEST.test(name)) throw new InvalidInput(`Expected an adapter of the base ${digest}, got one of ${name}`);
  const full = typeof revision === 'string' && revision !== '' && revision !== 'main' ? `${name}@${revision}` : name;
  if (anyName || (typeof full === 'string' && names.includes(full))) return;
  const known = names.length === 0 ? '' : ` or ${names.join(', ')}`;
  throw new InvalidInput(`Expected an adapter of the base ${digest}${known}, got one of ${full || 'no base'}; if that is the same model, say that any name will do`);
}

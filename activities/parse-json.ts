import { isWithin, JSON_BOUNDS } from '../genki/protocol/json-bounds.ts';

/** The value of a JSON text, or of its bytes; undefined for what is none or holds too much, which no schema takes. */
export function parseJson(text: string | Uint8Array): unknown {
  try {
    const json = typeof text === 'string' ? text : new TextDecoder().decode(text);
    return isWithin(json, JSON_BOUNDS) ? JSON.parse(json) : undefined;
  } catch {
    return undefined;
  }
}

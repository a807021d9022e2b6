import { InvalidInput } from '../../errors.ts';

/** Far more than the longest that Unicode has: 18 characters. */
const REPLACEMENT_BYTES = 256;
/** Longer graphemes are looked up character by character. */
const GRAPHEME_BYTES = 6;

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * The normalization that a sentencepiece model brings along, as `tokenizers` 0.22 applies it: of a grapheme of less than
 * 6 bytes, then of each of its characters, the shortest beginning that the map has is replaced for the whole. So "ä" in two
 * code points becomes one, while a longer stack of accents stays as it is.
 *
 * @param base64 bytes of the trie (uint32, little endian), the trie's units (each a uint32, a double array as in
 *   Darts-clone), then the replacements in UTF-8, each ended by a 0
 * @throws {InvalidInput} when it is nothing of this form
 */
export function charsmapNormalizer(base64: string): (text: string) => string {
  const bytes = Uint8Array.from(Buffer.from(base64, 'base64'));
  const trieBytes = bytes.byteLength < 4 ? NaN : new DataView(bytes.buffer).getUint32(0, true);
  if (!(trieBytes >= 4 && trieBytes % 4 === 0 && 4 + trieBytes <= bytes.byteLength)) {
    throw new InvalidInput(`Expected a precompiled_charsmap with a trie, got ${bytes.byteLength} bytes with one of ${trieBytes}`);
  }
  const units = new Uint32Array(bytes.buffer.slice(4, 4 + trieBytes));
  const replacements = bytes.subarray(4 + trieBytes);
  checkReplacements(replacements);
  const replaced = (part: string): string | undefined => {
    const at = shortestMatch(units, encoder.encode(part));
    return at === undefined ? undefined : decoder.decode(replacements.subarray(at, endOf(replacements, at)));
  };
  const normalized = (grapheme: string): string => {
    const whole = Buffer.byteLength(grapheme) < GRAPHEME_BYTES ? replaced(grapheme) : undefined;
    return whole ?? Array.from(grapheme, (character) => replaced(character) ?? character).join('');
  };
  return (text) => Array.from(graphemes.segment(text), ({ segment }) => normalized(segment)).join('');
}

/** The value of the shortest key that the bytes begin with. */
function shortestMatch(units: Uint32Array, bytes: Uint8Array): number | undefined {
  let at = offsetOf(units[0]!);
  for (const byte of bytes) {
    at ^= byte;
    const unit = units[at];
    if (byte === 0 || unit === undefined || labelOf(unit) !== byte) return undefined;
    at ^= offsetOf(unit);
    const leaf = units[at];
    if (hasLeaf(unit) && leaf !== undefined) return leaf & 0x7fff_ffff;
  }
  return undefined;
}

const hasLeaf = (unit: number): boolean => ((unit >>> 8) & 1) === 1;
/** A leaf's sign bit makes its label no byte. */
const labelOf = (unit: number): number => (unit & 0x8000_00ff) >>> 0;
const offsetOf = (unit: number): number => ((unit >>> 10) << ((unit & 0x200) >>> 6)) >>> 0;

function checkReplacements(replacements: Uint8Array): void {
  for (let from = 0; from < replacements.length; from = endOf(replacements, from) + 1) {
    const bytes = endOf(replacements, from) - from;
    if (bytes > REPLACEMENT_BYTES) throw new InvalidInput(`Expected a precompiled_charsmap with replacements of at most ${REPLACEMENT_BYTES} bytes, got one of ${bytes}`);
  }
}

function endOf(replacements: Uint8Array, from: number): number {
  const end = replacements.indexOf(0, from);
  return end === -1 ? replacements.length : end;
}

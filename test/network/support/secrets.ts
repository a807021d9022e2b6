import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Something that was planted, in every form in which it could come to light. */
export type Canary = { readonly name: string; readonly forms: readonly Buffer[] };

/** A word or a phrase: as it is, as hex, and as base64 of a text that holds it anywhere. */
export const textCanary = (name: string, text: string): Canary => ({ name, forms: formsOf(Buffer.from(text), [text, JSON.stringify(text).slice(1, -1)]) });

/** Bytes: raw, as base64, and as hex, which is a text of its own. */
export const bytesCanary = (name: string, bytes: Uint8Array): Canary => {
  const hex = Buffer.from(bytes).toString('hex');
  return { name, forms: [...formsOf(Buffer.from(bytes), [hex.toUpperCase()]), ...formsOf(Buffer.from(hex), [])] };
};

function formsOf(bytes: Buffer, texts: readonly string[]): Buffer[] {
  const hex = bytes.toString('hex');
  // of the three ways in which bytes fall into groups of three, without the ends that their neighbours change
  const base64 = [0, 1, 2].map((shift) => Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64').replace(/=+$/, '').slice(shift === 0 ? 0 : shift + 1, -2));
  const all = [...texts, hex, ...base64, ...base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'))];
  return [bytes, ...[...new Set(all)].map((text) => Buffer.from(text))];
}

/** Where in these places a canary is; a place is named, and has pieces that are named. */
export function sightings(canary: Canary, places: ReadonlyMap<string, ReadonlyMap<string, Buffer>>): string[] {
  return [...places].flatMap(([place, pieces]) => [...pieces].filter(([, bytes]) => canary.forms.some((form) => bytes.includes(form))).map(([piece]) => `${canary.name} in ${place}: ${piece}`));
}

/** Every file below a folder. */
export async function filesBelow(folder: string): Promise<Map<string, Buffer>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return new Map(await Promise.all(files.map(async (file) => [file.slice(folder.length + 1), await readFile(file)] as const)));
}

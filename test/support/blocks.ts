import { readFileSync } from 'node:fs';
import { decodeExtrinsic, type DecodedExtrinsic } from '../../genki/chain/local/extrinsic.ts';

/** A block of the local chain's best branch, finalized or not. */
export type JournalBlock = { readonly number: number; readonly hash: string; readonly extrinsics: readonly { readonly extrinsic: DecodedExtrinsic; /** the runtime's error, where it refused the call */ readonly failed: string | undefined }[] };

type Entry = { readonly number: number; readonly hash: string; readonly failed: readonly { readonly index: number; readonly code: string }[]; readonly extrinsics: readonly string[] } | { readonly best: { readonly number: number } };

/** What a local chain has written down; a line that is still being written is left out. */
export function readBlocks(journal: string): JournalBlock[] {
  const text = readFileSync(journal, 'utf8');
  const [, ...lines] = text.slice(0, text.lastIndexOf('\n')).split('\n');
  const blocks: JournalBlock[] = [];
  for (const line of lines) {
    const { entry } = JSON.parse(line) as { entry: Entry };
    if ('best' in entry) blocks.length = entry.best.number;
    else blocks.push({ number: entry.number, hash: entry.hash, extrinsics: entry.extrinsics.map((hex, at) => ({ extrinsic: decodeExtrinsic(hex), failed: entry.failed.find(({ index }) => index === at)?.code })) });
  }
  return blocks;
}

/** The hashes of a signer's extrinsics, in their order. */
export const extrinsicsOf = (journal: string, hotkey: string): string[] =>
  readBlocks(journal).flatMap(({ extrinsics }) => extrinsics.filter(({ extrinsic }) => extrinsic.signer === hotkey).map(({ extrinsic }) => extrinsic.hash));

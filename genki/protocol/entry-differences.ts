import type { WindowEntry } from './window-log.ts';

/** What a validator found of a window itself. */
export type OwnFinding = { readonly after: string; readonly accepted: readonly { readonly hotkey: string }[]; readonly refused: readonly { readonly hotkey: string; readonly reason: string }[] };

/**
 * In which peers a leader's entry differs from what a validator found itself (protocol §2.10), one line each. Where both took
 * the same peers and come to other models, that.
 */
export function entryDifferences({ peers, refused, after }: WindowEntry, own: OwnFinding): string[] {
  const mine = new Map(own.refused.map(({ hotkey, reason }) => [hotkey, reason]));
  const theirs = new Map(refused.map(({ hotkey, reason }) => [hotkey, reason]));
  const taken = new Set(peers.map(({ hotkey }) => hotkey));
  const accepted = new Set(own.accepted.map(({ hotkey }) => hotkey));
  const added = [...taken].filter((hotkey) => !accepted.has(hotkey)).map((hotkey) => `the leader took ${hotkey}; here: ${mine.get(hotkey) ?? 'nothing was received in time'}`);
  const missing = [...accepted].filter((hotkey) => !taken.has(hotkey)).map((hotkey) => `the leader left out ${hotkey}, which counts here: ${theirs.get(hotkey) ?? 'nothing was received in time'}`);
  const differences = [...added, ...missing];
  return differences.length === 0 && after !== own.after ? [`the leader took the same peers and comes to another model, ${after}; here: ${own.after}`] : differences;
}

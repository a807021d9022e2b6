import { firstWindow } from '../../activities/delta-competition.ts';
import type { LogMemory } from '../../activities/log-memory.ts';
import { plainText } from '../../activities/plain-text.ts';
import { publishersAt } from '../../activities/publishers.ts';
import { followLog, type LogDeps, type Logged } from '../../activities/window-log.ts';
import { verifySignature } from '../../genki/chain/keys.ts';
import { faultOf, NewerSchema } from '../../genki/errors.ts';
import type { Check } from '../../genki/evaluation/verify-report.ts';
import { sha256Hex } from '../../genki/protocol/digests.ts';
import { MAX_ENTRY_BYTES, openWindowEntry, windowKey } from '../../genki/protocol/window-log.ts';

type Deps = LogDeps & { readonly memory: LogMemory };

/** The log up to a window, as it lies in the validators' buckets now; oldest first. */
export type LogBehind = { readonly entries: readonly Logged[]; readonly check: Check };

/**
 * The entries that lead from the competition's first model to that after a window, or from the oldest one that is still there;
 * each held against the chain: who stood in line, who was registered, and what they signed.
 * @param genesis digest of the first model
 */
export async function logBehind(deps: Deps, { to, genesis }: { readonly to: number; readonly genesis: string }): Promise<LogBehind> {
  const { entries, until } = await longest(deps, { to, genesis });
  const differences: string[] = [];
  let gone = 0;
  for (const [i, logged] of entries.entries()) {
    const wrong = await faultIn(deps, logged, entries[i - 1]);
    if (wrong === GONE) gone++;
    else if (wrong !== undefined) differences.push(`window ${logged.entry.window}: ${wrong}`);
  }
  for (let window = (entries.at(-1)?.entry.window ?? until) + 1; window <= to; window++) differences.push(...(await uncounted(deps, window)));
  const begun = entries[0];
  const notes = [
    ...(begun && begun.entry.previous !== null ? [`from window ${begun.entry.window} on, of those before nobody has them all`] : []),
    ...(gone > 0 ? [`what peers signed is not kept any more of ${gone} windows`] : []),
  ];
  return { entries, check: { what: 'the window log: who led, who took part, and what they signed', compared: entries.length, differences, ...(notes.length > 0 && { note: notes.join('; ') }) } };
}

/** @returns `until`: the last window that is known not to be in it, where it is empty */
async function longest(deps: Deps, { to, genesis }: { readonly to: number; readonly genesis: string }): Promise<{ readonly entries: readonly Logged[]; readonly until: number }> {
  const begin = firstWindow(deps.deployment.competition) - 1;
  for (let last = to; last > begin; ) {
    const whole = await followLog(deps, { from: { window: begin, digest: genesis }, to: last });
    const followed = whole.kind === 'forked' ? await followLog(deps, { from: null, to: last }) : whole;
    if (followed.kind === 'there') return { entries: followed.entries, until: begin };
    last = (followed.kind === 'waiting' ? followed.window : last) - 1;
  }
  return { entries: [], until: begin };
}

const GONE = Symbol('not kept any more');

/** undefined where an entry is as it has to be */
async function faultIn({ memory, ...deps }: Deps, { ref, entry }: Logged, before: Logged | undefined): Promise<string | typeof GONE | undefined> {
  const line = await memory.lineOf(deps, entry.window);
  if (line.leaders[entry.rank] !== entry.hotkey) return `${entry.hotkey} closed it from place ${entry.rank}, where the chain has ${line.leaders[entry.rank] ?? 'nobody'}`;
  if (before && (entry.previous?.sha256 !== before.ref.sha256 || entry.before !== before.entry.after)) return `${ref.bucket}/${ref.key} does not go on from window ${before.entry.window}`;
  try {
    await memory.checkPeers(deps, entry, line);
    return undefined;
  } catch (error) {
    if (!faultOf(error) && !(error instanceof NewerSchema)) throw error;
    return faultOf(error)?.name === 'ObjectMissing' ? GONE : plainText((error as Error).message);
  }
}

/** Why entries that are there do not count, one line each. */
async function uncounted({ memory, ...deps }: Deps, window: number): Promise<string[]> {
  const { chain, store, deployment } = deps;
  const { competition: { id }, competitionDigest: competition } = deployment;
  const line = await memory.lineOf(deps, window);
  const buckets = new Map((await publishersAt(chain, deployment, await chain.head())).map(({ hotkey, bucket }) => [hotkey, bucket]));
  const lines: string[] = [];
  for (const [rank, hotkey] of line.leaders.entries()) {
    const bucket = buckets.get(hotkey);
    if (bucket === undefined || !(await store.head(bucket, windowKey(id, window)))) continue;
    const why = await whyNot({ ...deps, memory }, { hotkey, window, bucket, competition, rank });
    if (why !== undefined) lines.push(`window ${window}: the entry of ${hotkey} does not count: ${why}`);
  }
  return lines;
}

async function whyNot(deps: Deps, { rank, bucket, ...expected }: { readonly hotkey: string; readonly window: number; readonly bucket: string; readonly competition: string; readonly rank: number }): Promise<string | undefined> {
  const { store, deployment: { competition: { id } } } = deps;
  try {
    const bytes = await store.getByKey(bucket, windowKey(id, expected.window), { maxBytes: MAX_ENTRY_BYTES });
    const entry = openWindowEntry(bytes, { ...expected, bucket }, verifySignature);
    if (entry.rank !== rank) return `it says place ${entry.rank}, its place in line is ${rank}`;
    const wrong = await faultIn(deps, { ref: { bucket, key: windowKey(id, expected.window), sha256: sha256Hex(bytes), bytes: bytes.byteLength }, entry }, undefined);
    return wrong === GONE ? 'what its peers signed is not there' : wrong ?? 'another log counts, or the one before it is not there';
  } catch (error) {
    if (!faultOf(error) && !(error instanceof NewerSchema)) throw error;
    return plainText((error as Error).message);
  }
}

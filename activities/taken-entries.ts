import * as z from 'zod';
import type { Hotkey } from '../genki/chain/chain.ts';
import { mapBounded } from '../genki/map-bounded.ts';
import type { ObjectStore } from '../genki/store/object-store.ts';
import type { Deployment } from './deployment.ts';
import { fromStranger } from './from-stranger.ts';
import { parseJson } from './parse-json.ts';
import { unlessFaulty } from './unless-faulty.ts';
import type { Line } from './window-line.ts';
import { MAX_SCORES_BYTES, scoresKey } from './window-scores.ts';

const Taken = z.looseObject({ version: z.literal(1), competition: z.string(), hotkey: z.string(), window: z.int().nonnegative(), entry: z.hash('sha256').lowercase() });

/** Validators' buckets that are asked at once. */
const SIDE_BY_SIDE = 16;

/**
 * sha256 of the entry of a window that validators with more than half of the stake have taken, as each says beside the scores
 * that it keeps of it; undefined where there is none. The stake is that of the window's first block.
 * @param buckets of those who have committed to the competition
 */
export async function settledEntry({ store, deployment }: { readonly store: ObjectStore; readonly deployment: Deployment }, { window, metagraph }: Pick<Line, 'window' | 'metagraph'>, buckets: ReadonlyMap<Hotkey, string>): Promise<string | undefined> {
  const validators = metagraph.neurons.filter(({ validatorPermit, stake }) => validatorPermit && stake !== '0');
  const taken = await mapBounded(validators, SIDE_BY_SIDE, ({ hotkey }) => takenBy({ store, deployment }, { hotkey, bucket: buckets.get(hotkey), window }));
  const stakes = new Map<string, bigint>();
  let total = 0n;
  validators.forEach(({ stake }, i) => {
    total += BigInt(stake);
    const entry = taken[i];
    if (entry !== undefined) stakes.set(entry, (stakes.get(entry) ?? 0n) + BigInt(stake));
  });
  return [...stakes].find(([, stake]) => 2n * stake > total)?.[0];
}

async function takenBy({ store, deployment: { competition, competitionDigest, genesisDama } }: { readonly store: ObjectStore; readonly deployment: Deployment }, { hotkey, bucket, window }: { readonly hotkey: Hotkey; readonly bucket: string | undefined; readonly window: number }): Promise<string | undefined> {
  if (bucket === undefined) return undefined;
  const json = await unlessFaulty(() => fromStranger(store, genesisDama.config, async () => parseJson(await store.getByKey(bucket, scoresKey(competition.id, window), { maxBytes: MAX_SCORES_BYTES }))));
  const { data } = Taken.safeParse(json);
  return data?.competition === competitionDigest && data.hotkey === hotkey && data.window === window ? data.entry : undefined;
}

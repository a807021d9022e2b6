import { heldOut } from '../../genki/data/held-out.ts';
import { type Pages, pageClips } from '../../genki/data/page-clips.ts';
import { judgeWindow, type Peer } from '../../genki/evaluation/window-judge.ts';
import type { WindowScore } from '../../genki/evaluation/window-score.ts';
import type { SliceBlocks, WindowTerms } from '../../genki/federation/window-model.ts';
import type { Clip } from '../../genki/music/clip.ts';
import { Random } from '../../genki/protocol/random.ts';
import type { Job } from './job.ts';
import { loadState, readUpdate, type Base, type PeerUpdate } from './window-models.ts';

export type ScoreWindowInput = {
  /** The model that the window's peers trained from. */
  readonly base: Base;
  /** Those of the window's entry, in its order; `pages`: those that each was assigned, null where everybody trains on their own music. */
  readonly peers: readonly (PeerUpdate & { readonly pages: readonly number[] | null })[];
  readonly terms: WindowTerms;
  readonly blocks?: SliceBlocks;
  /** Digest of the competition. */
  readonly competition: string;
  /** What pages hold, and how many of its own clips a peer is measured by; null where there are none. */
  readonly pages: (Pages & { readonly measured: number }) | null;
  /** Music that nobody could train on: so many clips of each style, from a seed that came after the uploads. Where there are pages, of their styles alone. */
  readonly holdout: { readonly clips: Readonly<Record<string, number>>; readonly seed: string };
};

/** A score for each peer, in the order given. */
export type ScoreWindowJob = { input: ScoreWindowInput; output: readonly WindowScore[] };

/** What each peer's update of a window shows, without what the others sent. */
export const scoreWindowJob: Job<ScoreWindowJob> =
  ({ engine, store, cache }) =>
  async ({ base, peers, holdout, ...input }, control) => {
    const { loaded, layout, model } = await loadState({ store, cache }, base);
    const scorer = await cache.scorer(loaded.music);
    let measured = 0;
    return await judgeWindow(
      { engine, music: loaded.music, scorer, layout, weights: model.weights },
      {
        peers: peers.map((peer): Peer => ({ hotkey: peer.hotkey, update: () => readUpdate(store, peer, { ...input, layout, blocks: input.blocks }), own: ownClips(peer, { ...input, seed: holdout.seed }) })),
        holdout: heldOut(holdout),
        norm: input.terms.norm,
        goOn: () => control.progress({ peers: measured++, of: peers.length }),
      },
    );
  };

/** Some of the clips of a peer's pages; which ones nobody knew while they could be trained on. */
function ownClips({ hotkey, pages: numbers }: ScoreWindowInput['peers'][number], { pages, seed }: Pick<ScoreWindowInput, 'pages'> & { readonly seed: string }): Clip[] | null {
  if (numbers === null || pages === null) return null;
  const all = numbers.flatMap((page) => pageClips(pages, page));
  return new Random(`${seed}/own/${hotkey}`).shuffle(all).slice(0, pages.measured);
}

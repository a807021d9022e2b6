import type { Clip } from '../music/clip.ts';
import { compose } from './composer.ts';

/** Public music of the composer in pages, more than anybody gets through; a page is made when it is asked for. */
export type Pages = { readonly styles: readonly string[]; /** of one page */ readonly clips: number; readonly seed: string };

/**
 * The clips of a page: clip i is in style i mod the number of styles, from the composer's seed `page/<seed>/<page>/<i>`.
 * @throws {InvalidInput} when there is no such style
 */
export function pageClips({ styles, clips, seed }: Pages, page: number): Clip[] {
  return Array.from({ length: clips }, (_, i) => compose({ style: styles[i % styles.length]!, seed: `page/${seed}/${page}/${i}` }));
}

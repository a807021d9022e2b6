import type { Aggregation } from '../../protocol/exchange.ts';
import { bulyanFaulty, countOf } from './breakdown.ts';
import { centredClipping } from './centred-clipping.ts';
import { aroundMedian, middleOf } from './coordinates.ts';
import { geometricMedian } from './geometric-median.ts';
import { bulyanSelection, krum, multiKrum } from './krum.ts';
import { asTheyAre, mixed, type Peers } from './peers.ts';

/**
 * The one update that several peers' updates become by a competition's rule; how many faulty ones a rule survives says
 * `breakdown`. All sums are taken in float64 and the result is rounded once, so the same list gives the same bytes everywhere;
 * another order of it changes at most the last bit, unless the rule has to choose between equals.
 *
 * Shares are rounded down: a fifth of four peers is none, and a rule that reckons with none is the mean, apart from the
 * medians, Krum and clipping. Where the peers are too few for what a rule is to survive, it reckons with as many faulty ones
 * as it can.
 *
 * @param updates finite, of one length, in commit order
 * @throws {RangeError} for no update, or for different lengths
 */
export function aggregate({ rule, mixing }: Aggregation, updates: readonly Float32Array[]): Float32Array {
  if (updates.length === 0) throw new RangeError('Expected at least one update, got none');
  const other = updates.find(({ length }) => length !== updates[0]!.length);
  if (other) throw new RangeError(`Expected updates of ${updates[0]!.length} values, got one of ${other.length}`);
  return byRule(rule, mixing === undefined ? asTheyAre(updates) : mixed(updates, countOf(mixing, updates.length)));
}

function byRule(rule: Aggregation['rule'], peers: Peers): Float32Array {
  const n = peers.count;
  const everyone = Array.from({ length: n }, (_, i) => i);
  switch (rule.kind) {
    case 'mean':
      return peers.combined(new Float64Array(n).fill(1 / n));
    // Yin et al. 2018, definition 2
    case 'trimmed-mean':
      return middleOf(peers.rows(everyone), countOf(rule.trim, n), n - countOf(rule.trim, n));
    // Yin et al. 2018, definition 1; of an even number the mean of the middle two
    case 'coordinate-median':
      return middleOf(peers.rows(everyone), (n - 1) >> 1, (n >> 1) + 1);
    case 'geometric-median':
      return peers.combined(geometricMedian(peers.products()));
    case 'krum':
      return peers.combined(krum(peers.products(), rule.faulty));
    case 'multi-krum':
      return peers.combined(multiKrum(peers.products(), rule.faulty));
    case 'bulyan':
      return bulyan(peers, bulyanFaulty(rule.faulty, n));
    case 'centred-clipping':
      return peers.combined(centredClipping(peers.products(), rule));
  }
}

/** El Mhamdi et al. 2018, section 4: of the n − 2f that Krum selects, in each coordinate the mean of the n − 4f values nearest to their median. */
function bulyan(peers: Peers, faulty: number): Float32Array {
  const selected = bulyanSelection(peers.products(), faulty);
  return aroundMedian(peers.rows(selected), selected.length - 2 * faulty);
}

import { type Competition, readCompetition } from './competition.ts';
import { RUBY } from './ruby.ts';

/** One adapter for `ruby-nano` that goes from miner to miner under a lease. What is not said here is as in `RUBY`. */
export const RUBY_RELAY: Competition = readCompetition({
  ...RUBY,
  id: 'rr',
  exchange: 'relay',
  relay: {
    // a hop learns one style and forgets some of the others: in a trial one raised the mixture by .24, all others lowered it
    tolerance: 0.1,
  },
});

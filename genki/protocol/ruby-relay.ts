import { type Competition, readCompetition } from './competition.ts';
import { RUBY } from './ruby.ts';

/** One adapter for `ruby-nano` that goes from miner to miner under a lease. What is not said here is as in `RUBY`. */
export const RUBY_RELAY: Competition = readCompetition({
  ...RUBY,
  id: 'rr',
  exchange: 'relay',
  relay: {
    // a hop forgets a little of what others taught: so much of the mean is forgiven
    tolerance: 0.02,
  },
});

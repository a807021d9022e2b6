import { readCompetition, type Competition } from '../../genki/protocol/competition.ts';
import { RUBY } from '../../genki/protocol/ruby.ts';

const PRIVATE = ['swing', 'victory', 'march'];

/** The embedded competition, made small: three miners who train for a few seconds, and little to listen to. */
export const SMALL: Competition = readCompetition({
  ...RUBY,
  styles: { ...RUBY.styles, private: PRIVATE },
  training: { ...RUBY.training, hyper: { ...RUBY.training.hyper, steps: 16 }, replay: { ...RUBY.training.replay, clips: 16 } },
  holdOut: { A: { perPrivateStyle: 3, perBaseStyle: 2 }, B: { perPrivateStyle: 3, perBaseStyle: 0 }, C: { perPrivateStyle: 3, perBaseStyle: 2 } },
  scales: [0.3, 0.6, 1],
});

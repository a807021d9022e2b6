import { type Competition, readCompetition } from './competition.ts';
import { RUBY } from './ruby.ts';

/**
 * Windows of local steps on `ruby-nano`: everybody trains the same pages of public music and sends what changed, 240 times
 * smaller than it is. What is not said here is as in `RUBY`.
 */
export const RUBY_WINDOWS: Competition = readCompetition({
  ...RUBY,
  id: 'rw',
  exchange: 'delta',
  training: {
    ...RUBY.training,
    // ten steps of all weights; with a larger rate the peers' updates do not add up any more
    hyper: { ...RUBY.training.hyper, learningRate: 5e-4, steps: 10 },
  },
  delta: {
    // half of a step's rows are of these, the rest is replayed
    pages: { styles: RUBY.styles.private, clips: 10, perWindow: 4, count: 2 ** 20, seed: 'ruby-nano/pages' },
    // 247 times smaller at the loss of no compression after 20 windows, in a trial in PyTorch
    codec: { kind: 'top-k', chunk: 64, keep: 1, feedback: 1 },
    aggregation: { rule: { kind: 'trimmed-mean', trim: 0.2 } },
    // what compression leaves out for later comes in at twice the step
    outer: { learningRate: 2, momentum: 0, nesterov: false },
    norm: { floor: 0.05, cap: 20 },
    // of a window of 80 blocks of a quarter of a second: two seconds to disclose, two for each who stands in
    timing: { uploadBlocks: 4, revealBlocks: 8, successionBlocks: 12, checkpointWindows: 5 },
    maxPeers: 64,
    scoring: { own: 16, perStyle: 4 },
  },
  timing: { ...RUBY.timing, windowBlocks: 80 },
  // windows are paid for how well their updates agree with what a validator would have done
  policy: { name: 'gradient-agreement', parameters: {} },
});

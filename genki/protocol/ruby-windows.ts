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
    // 17.8 kB, 1/252 of float32 and less
    codec: { kind: 'top-k', chunk: 64, keep: 1, feedback: 1 },
    // of five sparse updates 93 % of the values are in none and 6.7 % in one: rules that look at each value by itself take the
    // few for outliers (a trimmed mean of them goes a fifth as far as the mean); Krum goes by whole updates
    aggregation: { rule: { kind: 'multi-krum', faulty: 0.2 } },
    // what compression leaves out comes in later, at two and a half times the step: after 20 windows the loss on private styles is
    // .509, of no compression .514; at 2 it is .540. On pages, one poisoner among six, .459 beside .458 without either
    outer: { learningRate: 2.5, momentum: 0, nesterov: false },
    norm: { floor: 0.05, cap: 20 },
    // of a window of 160 blocks of a quarter of a second, in which eight miners and two validators share two cores: three
    // seconds to disclose, six for each who stands in
    timing: { uploadBlocks: 8, revealBlocks: 12, successionBlocks: 24, checkpointWindows: 5 },
    maxPeers: 64,
    // the proof of honest work has 3.6 standard errors a window, that of two steps in ten 1.2; of 4 clips a style a quarter less
    scoring: { own: 16, perStyle: 8 },
  },
  timing: { ...RUBY.timing, windowBlocks: 160 },
  // windows are paid for how well their updates agree with what a validator would have done
  policy: { name: 'gradient-agreement', parameters: {} },
});

import { type Competition, readCompetition } from './competition.ts';

/** The styles of the base corpus. */
const BASE = ['town', 'battle', 'waltz'];

/**
 * The embedded network's competition: chiptune adapters for `ruby-nano`. Where no other source is named, a number comes
 * from a trial of this federation in PyTorch with five honest and several dishonest miners.
 */
export const RUBY: Competition = readCompetition({
  version: 1,
  id: 'rn',
  netuid: 1,
  activationBlock: 0,
  exchange: 'adapter',
  endpoints: { local: { kind: 'folder' } },
  // 10.7 s of the sound chip's four channels
  music: { model: 'ruby-nano', codebooks: 4, frames: 128, frameRate: 12 },
  // all linear layers: attention alone leaves a quarter more of the loss
  lora: { rank: 8, alpha: 16, targets: ['q_proj', 'k_proj', 'v_proj', 'out_proj', 'fc1', 'fc2'], rslora: false },
  training: {
    // 1e-2 learns a style no better and forgets more; beyond 40 to 60 steps the merge hardly gains
    hyper: { learningRate: 4e-3, steps: 40, warmup: 0, betas: [0.9, 0.95], weightDecay: 0, guidanceDropout: 0.15, batch: 8 },
    // without replay a lone honest adapter makes the mixture worse
    replayRows: 4,
    // 160 rows are drawn in 40 steps; a clip takes the composer about 2 ms
    replay: { styles: BASE, clips: 128, seed: 'ruby-nano/replay' },
  },
  styles: {
    base: BASE,
    private: ['dungeon', 'victory', 'swing', 'ambient', 'march'],
    // entropy of the composer's own choices over the codes of a clip (`entropyFloor`), an upper bound of the true one
    floors: { town: 0.1045, battle: 0.1388, waltz: 0.0788, dungeon: 0.0846, victory: 0.1245, swing: 0.1085, ambient: 0.0741, march: 0.1126 },
  },
  // with 20 clips in all the miners' order by contribution is right in 99 % of draws, with 40 in all
  holdOut: {
    A: { perPrivateStyle: 8, perBaseStyle: 4 },
    B: { perPrivateStyle: 8, perBaseStyle: 0 },
    C: { perPrivateStyle: 8, perBaseStyle: 8 },
  },
  thresholds: {
    // honest pairs .04 at most, a copy with 10 % of noise .995
    copyCosine: 0.5,
    acceptZ: 2,
    // honest norms lie between 6 and 9: many tiny updates cannot shrink them, many huge ones not free each other
    normFloor: 3,
    normCap: 100,
    playedNorm: 8,
    minimumShare: 0.02,
    // as much as the whole gain is what each of as many specialists as styles would bring; honest miners bring .25 to
    // .5 of it, who imitates a style .11 at most
    styleShare: 1 / 6,
    guardNats: 0.1,
    publishZ: 2,
  },
  // the best was .6 in the first round and .2 in the second; 1 forgets
  scales: [0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1],
  // blocks of the local chain are a quarter of a second long: a window a miner and 10 s; a minute for the key, twice what a
  // worker that is killed needs to be back, and what one who keeps it to himself can delay a round by
  timing: { evalDelayBlocks: 2, keyDeadlineBlocks: 240, windowBlocks: 40, snapshotOffsetBlocks: 1, seedBlocks: 4 },
  // a subnet's usual 256 uids, validators included: nobody waits
  pool: { top: 128, fresh: 128 },
  limits: {
    // 106,496 elements in 80 tensors are 416 KiB of float32
    adapterBytes: 2 ** 20,
    adapterTensors: 128,
    adapterElements: 2 ** 18,
    // thirty times the longest honest update
    updateNorm: 1000,
    manifestBytes: 2 ** 16,
  },
  // one clip a style; guidance above 1 over-sharpens a model this small; 64 is the whole vocabulary
  generation: { clips: 5, guidance: 1, temperature: 1, topK: 64 },
  // `delta-loss` pays what a submission does alone: from the second round on lone adapters overshoot, and it left out
  // three of five honest miners whom the merge was better with
  listening: { embedder: { kind: 'clap-nano', digest: 'ZYYCNqjw8TrJOTeEMIA9u93xG4Q9KfYoJ43fl813AiQ=' } },
  // a submission is paid once, in the epoch that it improves
  overTime: { kind: 'average', rate: 1, expiresAfter: 1 },
  // from eleven accepted on: a hundred to four hundred merges for 11 to 20 of them, the order right in .95 and more
  shapley: { tolerance: 0.003, maxEvaluations: 1024 },
  policy: { name: 'dama', parameters: {} },
});

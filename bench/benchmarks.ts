import type { Benchmark } from './context.ts';

/** Every benchmark by name, in the order in which they run. */
export const BENCHMARKS: Readonly<Record<string, Benchmark>> = {
  'train-step-lora': {
    about: 'a LoRA training step of ruby-nano, 8 x 131 positions, beside PyTorch: at most 1.0',
    run: async (context) => (await import('./train-step.ts')).trainStepLora(context),
  },
  'train-step': {
    about: 'the same of all 1.12 M parameters, beside PyTorch: at most 1.25',
    run: async (context) => (await import('./train-step.ts')).trainStep(context),
  },
  'train-step-tfjs-wasm': {
    about: 'the LoRA step on TensorFlow.js in wasm, beside our onnx engine',
    run: async (context) => (await import('./train-step.ts')).trainStepTfjsWasm(context),
  },
  generate: {
    about: 'eight clips of 128 frames with a key-value cache, a frame, beside PyTorch',
    run: async (context) => (await import('./generate.ts')).generate(context),
  },
  'musicgen-train-lora': {
    about: 'a LoRA training step of a MusicGen of 1, 98 and 84 M (layers of 1024) parameters, beside transformers and PEFT: at most 0.9, 0.9 and 1.2',
    run: async (context) => (await import('./musicgen/train.ts')).musicgenTrainLora(context),
  },
  'musicgen-train': {
    about: 'the same of all parameters, of 1 and 98 M: at most 1.0',
    run: async (context) => (await import('./musicgen/train.ts')).musicgenTrain(context),
  },
  'musicgen-generate': {
    about: 'a clip and four with guidance and a key-value cache, a frame, beside transformers: at most 0.5',
    run: async (context) => (await import('./musicgen/generate.ts')).musicgenGenerate(context),
  },
  'musicgen-memory': {
    about: 'peak memory of a process that trains, beside one of transformers and PEFT',
    run: async (context) => (await import('./musicgen/memory.ts')).musicgenMemory(context),
  },
  'musicgen-small': {
    about: 'peak memory and time of a LoRA step at the size of musicgen-small, on 5 s and on 30 s of music: under 4 GB',
    run: async (context) => (await import('./musicgen/memory.ts')).musicgenSmall(context),
  },
  gpu: {
    about: 'a LoRA training step on the GPU by TensorFlow.js, beside our onnx engine on the CPU; nothing where there is no GPU',
    run: async (context) => (await import('./gpu.ts')).gpu(context),
  },
  epoch: {
    about: 'npm start, beside the same work by the library alone: what durability costs',
    run: async (context) => (await import('./epoch.ts')).epoch(context),
  },
  'round-256': {
    about: 'a round over 256 miners whose steps do nothing, beside one workflow for all: at most 30 s on two cores',
    run: async (context) => (await import('./round-256.ts')).round256(context),
  },
  'window-256': {
    about: 'a window of 256 miners whose steps do nothing, its close and all their windows, beside the round: no faster than the miners grow, no payload that the server warns of',
    run: async (context) => (await import('./window-256.ts')).window256(context),
  },
  'epoch-seeds': {
    about: 'how often each verdict of an epoch holds over 20 seeds; beside what is claimed',
    run: async ({ note }) => (await import('./epoch-seeds.ts')).run({ note }),
  },
  'two-engines': {
    about: 'whether onnx and TensorFlow.js in wasm come to the same losses and verdicts, over 20 seeds: losses within 1e-4 nats a code',
    run: async ({ note }) => (await import('./two-engines.ts')).twoEngines({ note }),
  },
  chain: {
    about: 'the local chain of 256 neurons after 10,000 blocks: start, beside a replay; an epoch',
    run: async (context) => (await import('./chain.ts')).chain(context),
  },
  yuma: {
    about: 'an epoch of 256 neurons, 64 validators with a weight for each, bit for bit, beside NumPy in float64: at most 500 ms',
    run: async (context) => (await import('./yuma.ts')).yuma(context),
  },
  fad: {
    about: 'the Fréchet distances of all pairs of 64 miners, 100 clips, beside SciPy: at most 0.05',
    run: async (context) => (await import('./fad.ts')).fad(context),
  },
  clap: {
    about: 'ten seconds of sound through a LAION-CLAP of full size, features and network, beside PyTorch: at most 1.0',
    run: async (context) => (await import('./clap.ts')).clap(context),
  },
  'hand-over': {
    about: 'from one holder\'s accepted push to the next one\'s training, an adapter of 8.3 M parameters through S3 and the hub\'s door, beside a bare put and get: at most 5 s',
    run: async (context) => (await import('./hand-over.ts')).handOver(context),
  },
  shapley: {
    about: 'Shapley values of 12 to 20 players from few coalitions, beside plain permutations: rank correlation at least .95 from a tenth',
    run: async (context) => (await import('./shapley.ts')).shapley(context),
  },
  aggregation: {
    about: 'each rule for 64 peers of 8 M values, seconds and memory, beside NumPy and SciPy; what the attacks do to each: trimmed mean and median at most 0.25',
    run: async (context) => (await import('./aggregation.ts')).aggregation(context),
  },
  compression: {
    about: 'bytes of a window\'s update and the time it takes, beside the entropy bound: at most 1/240 of float32, headers included',
    run: async (context) => (await import('./compression.ts')).compression(context),
  },
  'catch-up': {
    about: 'a node that was away for a hundred windows of ruby-nano: entries, updates and every digest, beside updates in float32',
    run: async (context) => (await import('./catch-up.ts')).catchUp(context),
  },
  windows: {
    about: 'loss after 20 windows of five miners, compressed beside uncompressed: at most 1.02, in 1/240 of the bytes; writes docs/windows.svg',
    run: async (context) => (await import('./windows.ts')).windows(context),
  },
  'windows-private': {
    about: 'the same with noise of the private mode and its ε, beside none',
    run: async (context) => (await import('./windows.ts')).windowsPrivate(context),
  },
  'windows-poisoned': {
    about: 'the same with one poisoner of six, by rule of aggregation, beside none',
    run: async (context) => (await import('./windows.ts')).windowsPoisoned(context),
  },
  'lazy-miners': {
    about: 'whether windows show who did not do the work that was assigned',
    run: async (context) => (await import('./windows.ts')).lazyMiners(context),
  },
};

/**
 * The benchmarks of these names; all of them where none is named.
 * @throws {RangeError} naming the one that is unknown, and those there are
 */
export function benchmarksNamed(names: readonly string[], among: Readonly<Record<string, Benchmark>> = BENCHMARKS): Benchmark[] {
  const known = Object.keys(among);
  const unknown = names.find((name) => !Object.hasOwn(among, name));
  if (unknown !== undefined) throw new RangeError(`Expected a benchmark of ${known.join(', ')}, got ${unknown}`);
  return (names.length === 0 ? known : names).map((name) => among[name]!);
}

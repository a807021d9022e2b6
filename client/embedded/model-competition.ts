import { InvalidInput } from '../../genki/errors.ts';
import type { MusicConfig } from '../../genki/music/config.ts';
import { targetLinears } from '../../genki/music/lora.ts';
import { type Competition, readCompetition } from '../../genki/protocol/competition.ts';
import { RUBY } from '../../genki/protocol/ruby.ts';

/** What a third of the parameters of MusicGen's own fine-tuning recipes have: attention and feed-forward layers. */
const LORA = { rank: 8, alpha: 16, targets: ['q_proj', 'k_proj', 'v_proj', 'out_proj', 'fc1', 'fc2'], rslora: false };
const LORA_BYTES = 4;
/** Names and shapes of an adapter's tensors. */
const HEADER_BYTES = 256;
/** Three hours of blocks of a quarter of a second, as long as a lease. */
const WINDOW_BLOCKS = 43_200;

/**
 * A competition of adapters for a model that somebody brings. Training windows run in it; a round needs held-out music
 * that nobody could have trained on, which the composer writes for the sound chip alone.
 *
 * @param name of the model, at most 64 characters
 * @throws {InvalidInput} when the model has not a whole number of frames a second
 */
export function competitionFor(name: string, { decoder, text, codec }: MusicConfig): Competition {
  if (!Number.isInteger(codec.frameRate)) throw new InvalidInput(`Expected a model with a whole number of frames a second, got ${codec.frameRate}`);
  const linears = targetLinears({ decoder, text }, LORA);
  const elements = linears.reduce((count, { in: columns, out }) => count + LORA.rank * (columns + out), 0);
  return readCompetition({
    ...RUBY,
    id: 'mg',
    music: { model: name.slice(0, 64), codebooks: decoder.numCodebooks, frames: codec.frames, frameRate: codec.frameRate },
    lora: LORA,
    training: {
      // one song at a time is what a laptop has the memory for; four make a step
      hyper: { learningRate: 1e-4, steps: 200, warmup: 20, betas: [0.9, 0.95], weightDecay: 0.01, guidanceDropout: 0.1, batch: 4, accumulation: 4, checkpointing: true },
      replayRows: 0,
      replay: RUBY.training.replay,
    },
    timing: { ...RUBY.timing, windowBlocks: WINDOW_BLOCKS },
    limits: { ...RUBY.limits, adapterElements: elements, adapterTensors: 2 * linears.length, adapterBytes: LORA_BYTES * elements + HEADER_BYTES * (2 * linears.length + 1) },
    generation: { ...RUBY.generation, guidance: 3, topK: 250 },
  });
}

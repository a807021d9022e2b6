import { generateLong, type LongComposition } from '../../genki/music/continuation.ts';
import type { Audio, Codec } from '../../genki/music/codec.ts';
import type { Engine } from '../../genki/engine/engine.ts';
import { Generator } from '../../genki/music/generator.ts';
import { normalizeLoudness } from '../../genki/music/loudness.ts';
import { languageWeights, openCodec, openConditioner } from '../../genki/music/open-model.ts';
import { mergedWeights } from '../../genki/music/adapted-net.ts';
import { tagsOf } from '../../genki/music/tags.ts';
import type { TextBatch } from '../../genki/music/text.ts';
import { engineOf } from '../../workers/engine.ts';
import { findFfmpeg } from '../ffmpeg.ts';
import { openDama, type OpenDama } from '../generate/open-dama.ts';
import { checkWritable, endingOf, outputsOf } from '../generate/outputs.ts';
import { type Asked, compositionOf, knownWords, melodyOf, startOf } from '../generate/request.ts';
import { foundFor, writeSound } from '../generate/sound-file.ts';
import { isNonCommercial } from '../hub/licence.ts';
import { Progress } from '../progress.ts';
import { readAdapter } from '../read-adapter.ts';
import { stopSignal } from '../stop-signal.ts';

export type GenerateOptions = Asked & {
  /** One piece each. */
  readonly prompts: readonly string[];
  readonly output: string;
  readonly dama?: string;
  readonly adapter?: string;
  readonly anyBase: boolean;
  /** Sound file that every piece begins with. */
  readonly continue?: string;
  /** Sound file whose melody every piece follows, where the model does that. */
  readonly melody?: string;
  readonly normalize: boolean;
  readonly json: boolean;
};

type Played = Awaited<ReturnType<typeof readAdapter>>;
type Deps = { readonly signal?: () => AbortSignal };
type Session = { readonly options: GenerateOptions; readonly engine: Engine; readonly dama: OpenDama; readonly ffmpeg: string | undefined; readonly signal: AbortSignal };
type Piece = { readonly output: string; readonly prompt: string; readonly words?: readonly string[]; readonly seconds: number };

/** `genki generate`: prompts to files of sound. A file appears whole or not at all. */
export async function generate(options: GenerateOptions, env: NodeJS.ProcessEnv, { signal: signalOf = stopSignal }: Deps = {}): Promise<void> {
  const outputs = outputsOf(options.output, options.prompts.length);
  const ending = endingOf(options.output);
  for (const output of outputs) await checkWritable(output);
  const ffmpeg = await findFfmpeg(env);
  if (ending !== '.wav') foundFor(options.output, ffmpeg);
  const signal = signalOf();
  const dama = await openDama(options.dama, env);
  try {
    if (dama.licence !== undefined && isNonCommercial(dama.licence)) process.stderr.write(`${dama.name} is under ${dama.licence}: not for commercial use\n`);
    const words = options.prompts.map((prompt) => knownWords(dama.model.music, prompt));
    const engine = await engineOf(env);
    try {
      const started = performance.now();
      const pieces = await compose({ options, engine, dama, ffmpeg, signal }, outputs);
      const result = { pieces: pieces.map((piece, i) => ({ ...piece, ...(words[i] && { words: words[i] }) })), dama: await dama.model.digest(), from: dama.from, ...(dama.licence !== undefined && { licence: dama.licence }), engine: engine.build, ms: Math.round(performance.now() - started) };
      process.stdout.write(options.json ? `${JSON.stringify(result)}\n` : result.pieces.map((piece) => `${sentenceOf(piece, result)}\n`).join(''));
    } finally {
      await engine.dispose();
    }
  } finally {
    await dama.model.close();
  }
}

const sentenceOf = ({ output, words, seconds }: Piece, { from, ms }: { from: string; ms: number }): string =>
  `${output}  ${seconds.toFixed(1)} s by ${from}${words ? `, from the words ${words.join(' ')}` : ''}, in ${ms} ms`;

async function compose(session: Session, outputs: readonly string[]): Promise<Piece[]> {
  const { options, engine, dama, ffmpeg, signal } = session;
  const { music } = dama.model;
  const codec = openCodec(engine, dama.model);
  try {
    const start = options.continue === undefined ? undefined : await startOf(options.continue, codec, { ffmpeg, signal });
    const composition = compositionOf(options, music, { clips: outputs.length, start });
    const melodyAt = options.melody === undefined ? undefined : await melodyOf(options.melody, music, { ffmpeg, signal });
    const played = options.adapter === undefined ? undefined : await readAdapter(options.adapter, { model: dama.model, folder: options.dama, anyBase: options.anyBase });
    const clips = await codesOf(session, { ...composition, ...(melodyAt && { melodyAt }) }, played);
    const pieces: Piece[] = [];
    for (const [i, output] of outputs.entries()) {
      const prompt = options.prompts[i]!;
      const audio = await soundOf(codec, clips[i]!, { frames: composition.frames, normalize: options.normalize });
      const tags = tagsOf({ ...composition, prompt, dama: { name: dama.name, digest: await dama.model.digest() }, ...(played && { adapter: played.digest }) });
      await writeSound(audio, { output, tags, ffmpeg, signal });
      pieces.push({ output, prompt, seconds: composition.frames / music.codec.frameRate });
    }
    return pieces;
  } finally {
    await codec.dispose();
  }
}

/** Of each prompt. The weights are let go of before the sound is made of them. */
async function codesOf({ options, engine, dama, signal }: Session, composition: LongComposition, played: Played | undefined): ReturnType<typeof generateLong> {
  const text = await told(engine, dama, options.prompts);
  const generator = await generatorOf(engine, dama, played);
  const progress = new Progress(options.json);
  const seconds = composition.frames / dama.model.music.codec.frameRate;
  try {
    return await generateLong({ generator, text }, composition, (done, of) => {
      signal.throwIfAborted();
      progress.show(`${((seconds * done) / of).toFixed(1)} of ${seconds.toFixed(1)} s composed`);
    });
  } finally {
    progress.done();
    await generator.dispose();
  }
}

async function told(engine: Engine, { model }: OpenDama, prompts: readonly string[]): Promise<TextBatch> {
  const conditioner = openConditioner(engine, model);
  try {
    return await conditioner.tell(prompts);
  } finally {
    await conditioner.dispose();
  }
}

async function generatorOf(engine: Engine, { model }: OpenDama, played: Played | undefined): Promise<Generator> {
  const weights = await languageWeights(model);
  return await Generator.create(engine, model.music, played ? mergedWeights(weights, played.adapter) : weights);
}

async function soundOf(codec: Codec, codes: Awaited<ReturnType<typeof generateLong>>[number], { frames, normalize }: { frames: number; normalize: boolean }): Promise<Audio> {
  const audio = await codec.decode(codes, frames);
  return normalize ? normalizeLoudness(audio) : audio;
}

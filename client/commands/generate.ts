import { execFile } from 'node:child_process';
import { constants, existsSync } from 'node:fs';
import { access, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, extname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { currentDama } from '../../activities/current-dama.ts';
import { parseJson } from '../../activities/parse-json.ts';
import { chooseEngine } from '../../genki/engine/choose-engine.ts';
import { InvalidInput } from '../../genki/errors.ts';
import { renderCodes, SAMPLE_RATE } from '../../genki/music/apu/synthesizer.ts';
import { readMusicConfig } from '../../genki/music/config.ts';
import { Generator } from '../../genki/music/generator.ts';
import { encodeWav } from '../../genki/music/wav.ts';
import { contentDigest, decodeSafetensors } from '../../genki/protocol/safetensors.ts';
import { homeOf, readSettings } from '../../workers/settings.ts';
import { connect } from '../connect.ts';
import { findFfmpeg } from '../ffmpeg.ts';
import { wasKilled } from '../embedded/one-network.ts';

const SHIPPED = fileURLToPath(new URL('../../dama/ruby-nano', import.meta.url));
const FORMATS = ['.wav', '.mp3', '.ogg'];

export type GenerateOptions = { readonly prompt: string; readonly output: string; readonly seed: string; readonly temperature: number; readonly guidance: number; readonly dama?: string; readonly json: boolean };

/** `genki generate`: a prompt to a file of sound. */
export async function generate({ prompt, output, seed, temperature, guidance, dama, json }: GenerateOptions, env: NodeJS.ProcessEnv): Promise<void> {
  const format = extname(output).toLowerCase();
  if (!FORMATS.includes(format)) throw new InvalidInput(`Expected an output ending in ${FORMATS.join(', ')}, got ${output}`);
  await checkWritable(output);
  const { config, weights, from } = dama === undefined ? await currentOrShipped(env) : await fromFolder(dama);
  const music = readMusicConfig(parseJson(config));
  const { tensors } = decodeSafetensors(weights);
  const known = music.text.kind === 'words' ? prompt.toLowerCase().split(/[\s,.;:!?]+/).filter((word) => music.text.kind === 'words' && music.text.words.includes(word)) : [];
  if (known.length === 0 && music.text.kind === 'words') throw new InvalidInput(`Expected a prompt with words that this Dama knows (${music.text.words.join(' ')}), got "${prompt}"`);
  const engine = await chooseEngine({ threads: availableParallelism(), ...(env.GENKI_ENGINE !== undefined && { prefer: env.GENKI_ENGINE }) });
  const generator = await Generator.create(engine, music, tensors);
  try {
    const started = performance.now();
    const [codes] = await generator.generate({ prompts: [prompt], frames: music.codec.frames, seed, guidance, temperature, topK: music.decoder.vocabSize });
    const wav = encodeWav(renderCodes(codes!, { frameRate: music.codec.frameRate }), SAMPLE_RATE);
    if (format === '.wav') await writeFile(output, wav);
    else await convert(wav, output, env);
    const result = { output, dama: contentDigest(tensors), from, engine: engine.build, words: known, ms: Math.round(performance.now() - started) };
    process.stdout.write(json ? `${JSON.stringify(result)}\n` : `${output}  by ${from}, from the words ${known.join(' ')}, in ${result.ms} ms\n`);
  } finally {
    await generator.dispose();
    await engine.dispose();
  }
}

type Files = { readonly config: Uint8Array; readonly weights: Uint8Array; readonly from: string };

async function fromFolder(folder: string): Promise<Files> {
  const read = (name: string): Promise<Uint8Array> => readFile(join(folder, name)).catch((cause: NodeJS.ErrnoException) => {
    throw new InvalidInput(`Expected a folder with config.json and model.safetensors, ${folder} has no ${name} that can be read (${cause.code})`, { cause });
  });
  return { config: await read('config.json'), weights: await read('model.safetensors'), from: folder };
}

/** Said before the music is made rather than after. @throws {InvalidInput} */
async function checkWritable(output: string): Promise<void> {
  const refused = (reason: string, cause?: unknown): InvalidInput => new InvalidInput(`Expected a file that can be written, got ${output}: ${reason}`, { cause });
  const found = await stat(output).catch(() => undefined);
  if (found && !found.isFile()) throw refused('there is something that is no file');
  const folder = dirname(resolve(output));
  if (!(await stat(folder).then((entry) => entry.isDirectory(), () => false))) throw refused(`there is no folder ${folder}`);
  await access(found ? output : folder, constants.W_OK).catch((cause: NodeJS.ErrnoException) => { throw refused(cause.code ?? 'not allowed', cause); });
}

async function currentOrShipped(env: NodeJS.ProcessEnv): Promise<Files> {
  if (!existsSync(join(homeOf(env), 'network.json')) || wasKilled(homeOf(env))) return { ...(await fromFolder(SHIPPED)), from: 'the shipped ruby-nano' };
  readSettings(env);
  const connected = await connect(env);
  try {
    const { chain, store, deployment } = connected;
    const metagraph = await chain.metagraph(deployment.competition.netuid, (await chain.head()).hash);
    const { dama } = await currentDama(connected, metagraph);
    const get = (ref: typeof dama.weights) => store.get(ref, { maxBytes: ref.bytes });
    return { config: await get(dama.config), weights: await get(dama.weights), from: `the current Dama ${dama.digest}` };
  } finally {
    await connected.close();
  }
}

async function convert(wav: Uint8Array, output: string, env: NodeJS.ProcessEnv): Promise<void> {
  const ffmpeg = await findFfmpeg(env);
  if (ffmpeg === undefined) throw new InvalidInput(`Expected ffmpeg (FFMPEG_BIN, the package ffmpeg-static, or on the PATH) to write ${output}, found none; .wav works without`);
  const dir = await mkdtemp(join(tmpdir(), 'genki-'));
  try {
    await writeFile(join(dir, 'clip.wav'), wav);
    await promisify(execFile)(ffmpeg, ['-y', '-loglevel', 'error', '-i', join(dir, 'clip.wav'), output]);
  } finally {
    await rm(dir, { recursive: true });
  }
}

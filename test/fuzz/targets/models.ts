import { readFileSync } from 'node:fs';
import { factsOfSideCar } from '../../../genki/data/audio/side-car.ts';
import { BadSubmission, InvalidInput } from '../../../genki/errors.ts';
import { readPeftAdapter } from '../../../genki/music/peft/read-peft.ts';
import { createTokenizer } from '../../../genki/music/t5/tokenizer.ts';
import { readT5Config } from '../../../genki/music/t5/read-config.ts';
import { parseJson } from '../../../activities/parse-json.ts';
import { TINY } from '../../genki/music/support/goldens.ts';
import { mutateBytes } from '../mutate-bytes.ts';
import { accepted, holds, type Target } from '../target.ts';
import { json, mutatedJson } from './texts.ts';

const KiB = 2 ** 10;
const golden = (name: string): Uint8Array => new Uint8Array(readFileSync(new URL(`../../goldens/${name}`, import.meta.url)));
const isFiniteEverywhere = (values: Float32Array): boolean => values.every(Number.isFinite);

const ADAPTERS = ['adapter-qv', 'adapter-all'].map((folder) => ({ config: golden(`${folder}/adapter_config.json`), weights: golden(`${folder}/adapter_model.safetensors`) }));

/** What Python's PEFT may say of an adapter, over the tensors of one. */
const peftConfig: Target = {
  name: 'peft-config',
  weight: 6,
  maxBytes: 64 * KiB,
  valid: ADAPTERS.map(({ config }) => config),
  mutate: mutatedJson(32 * KiB),
  check: (bytes) => {
    const outcomes = ADAPTERS.map(({ weights }) => accepted([BadSubmission, InvalidInput], () => readPeftAdapter({ config: bytes, weights }, { music: TINY })));
    const read = outcomes.find((adapter) => adapter !== undefined);
    if (read === undefined) return 'refused';
    for (const { rank, scale, a, b, in: columns, out } of read.layers.values()) {
      holds(Number.isFinite(scale) && a.length === rank * columns && b.length === rank * out, 'factors of the size that they say, and a finite scale');
    }
    return 'accepted';
  },
};

const peftWeights: Target = {
  name: 'peft-weights',
  weight: 4,
  maxBytes: 64 * KiB,
  valid: ADAPTERS.map(({ weights }) => weights),
  mutate: mutateBytes,
  check: (bytes) => {
    const read = ADAPTERS.map(({ config }) => accepted([BadSubmission, InvalidInput], () => readPeftAdapter({ config, weights: bytes }, { music: TINY }))).find((adapter) => adapter !== undefined);
    if (read === undefined) return 'refused';
    for (const { a, b } of read.layers.values()) holds(isFiniteEverywhere(a) && isFiniteEverywhere(b), 'finite factors');
    return 'accepted';
  },
};

const TOKENIZER = { json: golden('t5/tiny-tokenizer/tokenizer.json'), config: new TextDecoder().decode(golden('t5/tiny-tokenizer/tokenizer_config.json')) };
const TEXTS = ['', 'slow piano, 80 bpm', '\u{1F3B9} e\u0301 \u3000\ufb01', 'x'.repeat(2000)];

const tokenizer: Target = {
  name: 'tokenizer',
  weight: 3,
  maxBytes: 256 * KiB,
  valid: [TOKENIZER.json],
  mutate: mutatedJson(128 * KiB),
  check: (bytes) => {
    const read = accepted([InvalidInput], () => createTokenizer({ json: new TextDecoder().decode(bytes), config: TOKENIZER.config }));
    if (read === undefined) return 'refused';
    for (const text of TEXTS) holds(read.encode(text).every((id) => Number.isInteger(id) && id >= 0), 'ids of pieces');
    return 'accepted';
  },
};

const t5Config: Target = {
  name: 't5-config',
  weight: 3,
  maxBytes: 64 * KiB,
  valid: [json((JSON.parse(new TextDecoder().decode(golden('tiny-musicgen/config.json'))) as { text_encoder: unknown }).text_encoder)],
  mutate: mutatedJson(32 * KiB),
  check: (bytes) => {
    const read = accepted([InvalidInput], () => readT5Config(parseJson(bytes)));
    if (read === undefined) return 'refused';
    for (const size of [read.vocabSize, read.hiddenSize, read.headSize, read.ffnDim, read.numLayers, read.numHeads]) holds(Number.isInteger(size) && size > 0, 'sizes');
    return 'accepted';
  },
};

const sideCar: Target = {
  name: 'side-car',
  weight: 3,
  maxBytes: 64 * KiB,
  valid: [json({ key: 'C minor', artist: 'A', sample_rate: 44_100, file_extension: 'mp3', description: 'slow piano', keywords: 'calm, piano', duration: 12.5, bpm: '80', genre: 'ambient', title: 'Rain', name: 'rain', instrument: ['piano'], moods: ['calm'] }), json({ caption: 'town minor' })],
  mutate: mutatedJson(32 * KiB),
  check: (bytes) => {
    const read = accepted([InvalidInput], () => factsOfSideCar(parseJson(bytes), 'song.json'));
    if (read === undefined) return 'refused';
    holds(!/[\p{Cc}]/u.test(JSON.stringify(read).replaceAll(/\\./g, '')), 'text without control characters');
    return 'accepted';
  },
};

/** What models, adapters and songs from elsewhere say of themselves. */
export const modelTargets: readonly Target[] = [peftConfig, peftWeights, tokenizer, t5Config, sideCar];

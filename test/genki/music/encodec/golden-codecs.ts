import type { Engine, Ops, Program } from '../../../../genki/engine/engine.ts';
import type { EncodecConfig } from '../../../../genki/music/encodec/config.ts';
import type { Layer } from '../../../../genki/music/encodec/layers.ts';
import { runLayers } from '../../../../genki/music/encodec/net.ts';
import { readEncodecConfig } from '../../../../genki/music/encodec/read-config.ts';
import { type CodecWeight, layerWeights, readWeights } from '../../../../genki/music/encodec/weights.ts';
import { disposeAll, type Feeds } from '../../../../genki/music/feeds.ts';
import { decodeSafetensors, type HostTensor, type TensorMap } from '../../../../genki/protocol/safetensors.ts';
import { goldenBytes, goldenJson } from '../support/goldens.ts';

/** Relative to the largest value: sums of a few hundred products of float32. */
export const ACTIVATIONS = 1e-5;

export type CodecFiles = { readonly config: EncodecConfig; readonly tensors: TensorMap; readonly prefix: string };

/** The codec of `make_goldens.py`'s tiny MusicGen. */
export const tinyCodec = (): CodecFiles => ({
  config: readEncodecConfig((goldenJson('tiny-musicgen/config.json') as { audio_encoder: unknown }).audio_encoder, { numQuantizers: 4 }),
  tensors: decodeSafetensors(goldenBytes('tiny-musicgen/model.safetensors')).tensors,
  prefix: 'audio_encoder.',
});

/** One of the cases of `make_encodec_goldens.py`, its weights beside its golden values. */
export const caseCodec = (name: string): CodecFiles => ({
  config: readEncodecConfig(goldenJson(`encodec/${name}.json`), { numQuantizers: 3 }),
  tensors: decodeSafetensors(goldenBytes(`encodec/${name}.safetensors`)).tensors,
  prefix: 'model.',
});

/** The same weights as PyTorch named them before 2.0. */
export const inOldNames = (tensors: TensorMap): TensorMap =>
  new Map([...tensors].map(([name, tensor]): [string, HostTensor] => [name.replace('parametrizations.weight.original0', 'weight_g').replace('parametrizations.weight.original1', 'weight_v'), tensor]));

/** What every layer gives, as `out.<n>`, of `signal` [rows, channels, length]. */
export const everyLayer = ({ config }: CodecFiles, layers: readonly Layer[], [rows, channels, length]: readonly [number, number, number]): Program => ({
  name: 'every-layer',
  inputs: { ...Object.fromEntries(layerWeights(config, layers).map(({ name, shape }) => [name, { shape, dtype: 'float32' as const }])), signal: { shape: [rows, channels, length], dtype: 'float32' } },
  build: <T>(ops: Ops<T>, inputs: Readonly<Record<string, T>>) => {
    const outputs = runLayers({ ops, config, weight: (name) => inputs[name]! }, layers, { x: inputs['signal']!, length });
    return Object.fromEntries(outputs.map(({ x }, i) => [`out.${i}`, x]));
  },
});

/** The outputs of one run. */
export async function outputsOf(engine: Engine, program: Program, feeds: Feeds): Promise<Record<string, Float32Array | Int32Array>> {
  const executable = await engine.compile(program);
  const outputs = await executable.run(feeds);
  const values = await Promise.all(Object.entries(outputs).map(async ([name, tensor]) => [name, (await tensor.read()).slice()] as const));
  disposeAll(outputs);
  await executable.dispose();
  return Object.fromEntries(values);
}

export async function weightFeeds(engine: Engine, wanted: readonly CodecWeight[], { tensors, prefix }: CodecFiles): Promise<Feeds> {
  const feeds: Feeds = {};
  const weights = { specs: tensors, read: async (name: string) => tensors.get(name)!, close: async () => {} };
  for await (const { name, shape, values } of readWeights(wanted, { weights, prefix })) feeds[name] = engine.tensor(values, shape);
  return feeds;
}

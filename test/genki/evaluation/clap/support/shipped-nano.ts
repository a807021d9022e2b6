import { readFile } from 'node:fs/promises';
import { type NanoConfig, readNanoConfig } from '../../../../../genki/evaluation/clap/nano/config.ts';
import { contentDigest, decodeSafetensors, type TensorMap } from '../../../../../genki/protocol/safetensors.ts';

export type Shipped = { readonly config: NanoConfig; readonly weights: TensorMap; readonly digest: string };

/** What lies in `dama/clap-nano`. */
export async function shippedNano(): Promise<Shipped> {
  const file = (name: string): Promise<Buffer> => readFile(new URL(`../../../../../dama/clap-nano/${name}`, import.meta.url));
  const { tensors } = decodeSafetensors(await file('model.safetensors'));
  return { config: readNanoConfig(JSON.parse((await file('config.json')).toString())), weights: tensors, digest: contentDigest(tensors) };
}

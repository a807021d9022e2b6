import { loraNames } from '../lora.ts';

const PREFIX = 'base_model.model.';
const LINEAR = /^base_model\.model\.(.+)\.lora_([AB])(?:\.default)?\.weight$/;
const TABLE = /^base_model\.model\.(.+)\.lora_embedding_([AB])(?:\.default)?$/;

/** Which factor of which layer a tensor of an adapter is. */
export type Factor = { readonly module: string; readonly factor: 'A' | 'B'; readonly ofTable: boolean };

/** Whether PyTorch has the module as a table of embeddings, which PEFT adapts transposed. */
export const isTable = (module: string): boolean => /\.embed_tokens\.\d+$/.test(module);

/** What PEFT calls the two factors of a layer. */
export function peftNames(module: string): { a: string; b: string } {
  const name = PREFIX + module;
  return isTable(module) ? { a: `${name}.lora_embedding_A`, b: `${name}.lora_embedding_B` } : loraNames(name);
}

/** What the name of an adapter's tensor says; nothing where it is not a factor of LoRA. */
export function factorOf(name: string): Factor | undefined {
  const [linear, table] = [LINEAR.exec(name), TABLE.exec(name)];
  const [, module, factor] = table ?? linear ?? [];
  return module === undefined ? undefined : { module, factor: factor === 'A' ? 'A' : 'B', ofTable: table !== null };
}

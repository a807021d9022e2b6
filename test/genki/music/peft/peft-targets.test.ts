import { describe, expect, it } from 'vitest';
import { adaptableLinears } from '../../../../genki/music/lora.ts';
import { readPeftConfig } from '../../../../genki/music/peft/peft-config.ts';
import { sizeByModule, targetedLayers } from '../../../../genki/music/peft/peft-targets.ts';
import { goldenJson, TINY } from '../support/goldens.ts';

type Case = { readonly config: Record<string, unknown>; readonly size: Record<string, [rank: number, alpha: number]> };

const CASES = (goldenJson('peft/targets.json') as Case[]).map(({ config, size }) => [JSON.stringify(config), config, size] as const);
const written = (config: Record<string, unknown>): string => JSON.stringify({ peft_type: 'LORA', r: 4, lora_alpha: 8, ...config });

function chosen(config: Record<string, unknown>): Record<string, [number, number]> {
  const read = readPeftConfig(written(config));
  const sizeOf = sizeByModule(read);
  return Object.fromEntries(targetedLayers(read, adaptableLinears(TINY)).map(({ module }) => [module, [sizeOf(module).rank, sizeOf(module).alpha]]));
}

describe('targetedLayers and sizeByModule', () => {
  it.each(CASES)('choose what PEFT chooses: %s', (_, config, size) => {
    expect(chosen(config)).toEqual(size);
  });

  it('take a module of which the whole name is listed, in whatever layer, as PEFT 0.17 does', () => {
    const first = 'decoder.model.decoder.layers.0.fc1';
    const list = { layers_to_transform: 1, target_modules: [first, 'layers.0.fc2', 'fc2'] };
    expect(Object.keys(chosen(list))).toEqual([first, 'decoder.model.decoder.layers.1.fc2']);
  });

  it('refuse patterns that would take long', () => {
    const patterns = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`(${'.?'.repeat(490)})*x{${i + 1}}`, 1]));
    expect(() => chosen({ target_modules: ['proj', 'fc1', 'q_proj'], rank_pattern: patterns })).toThrow('matched in fewer steps');
  });

  it('refuse more patterns than are worth keeping, before they are all made', () => {
    const patterns = Object.fromEntries(Array.from({ length: 12_000 }, (_, i) => [`(a{990}){4}b${i}`, 1]));
    expect(() => chosen({ target_modules: ['fc1'], rank_pattern: patterns })).toThrow('matched in fewer steps');
  });

  it('refuse a layers_pattern that is more than a name', () => {
    expect(() => chosen({ target_modules: ['fc1'], layers_to_transform: 1, layers_pattern: '(h|layers)' })).toThrow('got (h|layers)');
  });
});

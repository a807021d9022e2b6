import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { adapterConfigJson, encodeAdapter } from '../../../../genki/music/lora.ts';
import { readPeftAdapter } from '../../../../genki/music/peft/read-peft.ts';
import { writePeft } from '../../../../genki/music/peft/write-peft.ts';
import { goldenJson, TINY } from '../support/goldens.ts';
import { OUR_ADAPTERS } from './support/our-adapters.ts';

const ADAPTERS = Object.entries(OUR_ADAPTERS);
const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');

describe('writePeft', () => {
  it.each(ADAPTERS)('writes the bytes that Python was shown to load: %s', (name, adapter) => {
    const { config, weights } = writePeft(adapter, { base: 'tiny-musicgen' });
    const digests = { 'adapter_config.json': sha256(config), 'adapter_model.safetensors': sha256(weights) };
    expect(digests).toEqual((goldenJson('peft/ours.json') as Record<string, unknown>)[name]);
  });

  it.each(ADAPTERS)('writes what reads back as the same adapter: %s', (_, adapter) => {
    const read = readPeftAdapter(writePeft(adapter, { base: 'x' }), { music: TINY });
    expect(read.layers).toEqual(adapter.layers);
    expect(read.config.modules).toEqual(adapter.config.modules);
  });

  it.each(['plain', 'stable'])('writes a submission as it is handed in: %s', (name) => {
    const adapter = OUR_ADAPTERS[name]!;
    expect(writePeft(adapter, { base: 'x' })).toEqual({ config: adapterConfigJson(adapter.config, 'x'), weights: encodeAdapter(adapter) });
  });

  it('says what a layer was scaled to since', () => {
    const { config, layers } = OUR_ADAPTERS['plain']!;
    const scaled = { config, layers: new Map([...layers].map(([module, layer], i) => [module, i === 0 ? { ...layer, scale: 0.3 } : layer])) };
    expect(readPeftAdapter(writePeft(scaled, { base: 'x' }), { music: TINY }).layers).toEqual(scaled.layers);
  });
});

import { InvalidInput } from '../../errors.ts';
import { type Adapter, type AdapterLayer, loraScale } from '../../music/lora.ts';

/**
 * The adapter of layers of any ranks and scales, each named in its configuration with its own rank and alpha: PEFT's
 * patterns. A scale is taken as its alpha gives it back, the same to the last digit but one.
 * @throws {InvalidInput} when there are none, or a value is not finite
 */
export function sizedAdapter(layers: ReadonlyMap<string, AdapterLayer>): Adapter {
  const sized = [...layers].map(([module, layer]) => ({ module, layer, size: { rank: layer.rank, alpha: layer.scale * layer.rank } }));
  const [first] = sized;
  if (first === undefined) throw new InvalidInput('Expected an adapter of at least one layer, got none');
  const unfit = sized.find(({ layer, size }) => !(Number.isFinite(size.alpha) && layer.a.every(Number.isFinite) && layer.b.every(Number.isFinite)));
  if (unfit) throw new InvalidInput(`Expected ${unfit.module} to be finite, got a value that is not`);
  const targets = [...new Set(sized.map(({ module }) => module.slice(module.lastIndexOf('.') + 1)))];
  return {
    config: { ...first.size, targets, rslora: false, modules: Object.fromEntries(sized.map(({ module, size }) => [module, size])) },
    layers: new Map(sized.map(({ module, layer, size }) => [module, { ...layer, scale: loraScale({ ...size, rslora: false }) }])),
  };
}

import { initialAdapter } from '../../../../../genki/music/adapted-net.ts';
import { type Adapter, adaptableLinears, type LoraConfig, type LoraSize } from '../../../../../genki/music/lora.ts';
import { Random } from '../../../../../genki/protocol/random.ts';
import { TINY } from '../../support/goldens.ts';

/** An adapter of the tiny MusicGen as training may leave it, the same on every machine. */
export function seededAdapter(config: LoraConfig, seed: string): Adapter {
  const random = new Random(seed);
  const adapter = initialAdapter(TINY, config, random);
  for (const { b } of adapter.layers.values()) b.forEach((_, i) => (b[i] = 0.6 * random.float() - 0.3));
  return adapter;
}

/** Ranks and alphas that differ from layer to layer. */
export function sizes(chosen: (module: string) => boolean): Record<string, LoraSize> {
  const modules = adaptableLinears(TINY).map(({ module }) => module).filter(chosen);
  return Object.fromEntries(modules.map((module, i) => [module, { rank: 1 + (i % 3), alpha: i % 2 === 0 ? 4 : 2.5 }]));
}

const inLayers = (module: string): boolean => module.includes('.layers.');

/** What Python was shown to load, by name. */
export const OUR_ADAPTERS: Readonly<Record<string, Adapter>> = {
  plain: seededAdapter({ rank: 2, alpha: 4, targets: ['q_proj', 'fc2'], rslora: false }, 'plain'),
  stable: seededAdapter({ rank: 3, alpha: 4, targets: ['v_proj'], rslora: true }, 'stable'),
  sized: seededAdapter({ rank: 2, alpha: 4, targets: ['q_proj', 'fc1'], rslora: true, modules: sizes((module) => inLayers(module) && /q_proj|1\.fc1/.test(module)) }, 'sized'),
  wide: seededAdapter({ rank: 1, alpha: 4, targets: [], rslora: false, modules: sizes((module) => !inLayers(module)) }, 'wide'),
};

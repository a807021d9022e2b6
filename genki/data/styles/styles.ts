import { InvalidInput } from '../../errors.ts';
import { ambient } from './ambient.ts';
import { battle } from './battle.ts';
import { dungeon } from './dungeon.ts';
import { march } from './march.ts';
import type { Style, StyleName } from './style.ts';
import { swing } from './swing.ts';
import { town } from './town.ts';
import { victory } from './victory.ts';
import { waltz } from './waltz.ts';

const STYLES: Readonly<Record<StyleName, Style>> = { town, battle, waltz, dungeon, victory, swing, ambient, march };

/** What the shipped Dama is trained on. */
export const BASE_STYLES = ['town', 'battle', 'waltz'] as const satisfies readonly StyleName[];
/** What it has never heard: one for each honest miner of the embedded network. */
export const PRIVATE_STYLES = ['dungeon', 'victory', 'swing', 'ambient', 'march'] as const satisfies readonly StyleName[];

/** @throws {InvalidInput} when there is no such style, with those there are */
export function styleNamed(name: string): Style {
  if (!isStyleName(name)) throw new InvalidInput(`Expected a style of ${Object.keys(STYLES).join(', ')}, got ${JSON.stringify(name)}`);
  return STYLES[name];
}

export const isStyleName = (name: string): name is StyleName => Object.hasOwn(STYLES, name);

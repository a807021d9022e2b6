import { BadSubmission } from '../../errors.ts';
import type { LoraSize } from '../lora.ts';
import type { LinearSpec } from '../weights.ts';
import type { PeftConfig } from './peft-config.ts';
import { PythonPattern, type Steps } from './python-pattern.ts';
import { isTable } from './tensor-names.ts';

/** Half a second's work: some thirty patterns of a person's on the largest model. An entry for each layer is a name, not a pattern. */
const MOST_STEPS = 4_000_000;
const NAME = /^[\w.]+$/;

/**
 * Which of the model's layers a configuration chooses, as PEFT 0.17 matches their names.
 * @throws {BadSubmission} when a pattern is not known or too much
 */
export function targetedLayers(config: PeftConfig, linears: readonly LinearSpec[]): LinearSpec[] {
  const steps = { left: MOST_STEPS };
  const isTarget = targetTest(config, steps);
  const isExcluded = namesTest(config.exclude_modules ?? [], steps);
  return linears.filter(({ module }) => isTarget(module) && !isExcluded(module));
}

/**
 * The rank and alpha of each layer: the first pattern's that matches its name, or else the configuration's own.
 * @throws {BadSubmission} when a pattern is not known or too much
 */
export function sizeByModule({ r, lora_alpha: alpha, rank_pattern: ranks, alpha_pattern: alphas }: PeftConfig): (module: string) => LoraSize {
  const steps = { left: MOST_STEPS };
  const [rankOf, alphaOf] = [patternLookup(ranks ?? {}, steps), patternLookup(alphas ?? {}, steps)];
  return (module) => ({ rank: rankOf(module) ?? r, alpha: alphaOf(module) ?? alpha });
}

function targetTest(config: PeftConfig, steps: Steps): (module: string) => boolean {
  const { target_modules: targets } = config;
  // PyTorch's tables of embeddings are no linear layers
  if (typeof targets === 'string' && targets.toLowerCase() === 'all-linear') return (module) => !isTable(module);
  const isTarget = namesTest(targets, steps);
  const isChosenLayer = layerTest(config, steps);
  // a full name is meant in whatever layer it lies
  return (module) => isTarget(module) && (targets.includes(module) || isChosenLayer(module));
}

/** One pattern for whole names, or names of which the end is enough. */
function namesTest(names: string | readonly string[], steps: Steps): (module: string) => boolean {
  if (typeof names === 'string') {
    if (names === '') return () => false;
    const pattern = new PythonPattern(names, steps);
    return (module) => pattern.matchesAll(module);
  }
  return (module) => names.some((name) => module === name || module.endsWith(`.${name}`));
}

function layerTest({ layers_to_transform: layers, layers_pattern: pattern }: PeftConfig, steps: Steps): (module: string) => boolean {
  const chosen = typeof layers === 'number' ? [layers] : (layers ?? []);
  if (chosen.length === 0) return () => true;
  const lists = typeof pattern === 'string' ? [pattern] : (pattern ?? []);
  const unknown = lists.find((name) => name !== '' && !NAME.test(name));
  if (unknown !== undefined) throw new BadSubmission(`Expected layers_pattern to be names of lists of layers, got ${unknown.slice(0, 80)}`);
  const patterns = (lists.join('') === '' ? ['[^.]*'] : lists).map((list) => new PythonPattern(`.*\\.${list}`, steps));
  return (module) => {
    const index = patterns.map((list) => layerIndex(module, list)).find((found) => found !== undefined);
    return index !== undefined && chosen.includes(index);
  };
}

/** The last number among the parts of a name that stands right behind the list's own name, and not at the end. */
function layerIndex(module: string, list: PythonPattern): number | undefined {
  const parts = module.split('.');
  for (let i = parts.length - 2; i > 0; i--) {
    if (/^\d+$/.test(parts[i]!) && list.matchesAll(parts.slice(0, i).join('.'))) return Number(parts[i]);
  }
  return undefined;
}

function patternLookup(patterns: Readonly<Record<string, number>>, steps: Steps): (module: string) => number | undefined {
  const tests = Object.entries(patterns).map(([key, value]): [(module: string) => boolean, number] => [endTest(key, steps), value]);
  return (module) => tests.find(([matches]) => matches(module))?.[1];
}

/** Whether a name ends with a match of the key, after a dot or from the start. */
function endTest(key: string, steps: Steps): (module: string) => boolean {
  if (!NAME.test(key)) {
    const pattern = new PythonPattern(`(.*\\.)?(${key})$`, steps);
    return (module) => pattern.matchesStart(module);
  }
  // a dot in a name is, as a pattern, any character
  const end = new RegExp(`^${key}$`);
  return (module) => {
    const start = module.length - key.length;
    return (start === 0 || module[start - 1] === '.') && end.test(module.slice(start));
  };
}

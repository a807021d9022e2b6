import { InvalidInput } from '../errors.ts';
import type { PolicyParameters } from './policy.ts';

/** One number that a competition may set for its policy. */
export type PolicyParameter = {
  readonly meaning: string;
  readonly default: number;
  /** Both ends are allowed. */
  readonly least: number;
  readonly most: number;
};

export type ParameterList<Name extends string = string> = Readonly<Record<Name, PolicyParameter>>;

/**
 * All numbers of a policy: the competition's, and the defaults of those that it does not set.
 * @throws {InvalidInput} naming a parameter that the policy does not have, or one that is out of its range
 */
export function withDefaults<Name extends string>(list: ParameterList<Name>, given: PolicyParameters = {}): Record<Name, number> {
  const names = Object.keys(list) as Name[];
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(list, name));
  if (unknown !== undefined) throw new InvalidInput(`Expected ${names.length === 0 ? 'no parameters' : `parameters of ${names.join(', ')}`}, got ${unknown}`);
  return Object.fromEntries(names.map((name) => [name, inRange(name, given[name] ?? list[name].default, list[name])])) as Record<Name, number>;
}

function inRange(name: string, value: number, { least, most }: PolicyParameter): number {
  if (!(value >= least && value <= most)) throw new InvalidInput(`Expected ${name} in [${least}, ${most}], got ${value}`);
  return value;
}

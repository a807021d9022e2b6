import { InvalidInput } from '../errors.ts';
import { dama } from './dama.ts';
import { deltaLoss } from './delta-loss.ts';
import type { Policy } from './policy.ts';

/** By the name that a competition file uses. */
const policies: ReadonlyMap<string, Policy> = new Map([
  ['dama', dama],
  ['delta-loss', deltaLoss],
]);

export const policyNames: readonly string[] = [...policies.keys()];

/** @throws {InvalidInput} naming the policies that there are */
export function policyNamed(name: string): Policy {
  const policy = policies.get(name);
  if (!policy) throw new InvalidInput(`Expected a policy of ${policyNames.join(', ')}, got ${name}`);
  return policy;
}

import { InvalidInput } from '../errors.ts';
import { dama, damaParameters } from './dama.ts';
import { deltaLoss, deltaLossParameters } from './delta-loss.ts';
import { genki, genkiParameters } from './genki.ts';
import { agreements, gradientAgreement, gradientAgreementParameters } from './gradient-agreement.ts';
import type { Measurement, Policy, PolicyParameters } from './policy.ts';
import { withDefaults, type ParameterList } from './policy-parameters.ts';
import { winRate, winRateParameters } from './win-rate.ts';

export type PolicyDefinition = {
  readonly pay: Policy;
  readonly parameters: ParameterList;
  /** Without one of these measurements nobody is paid. */
  readonly needs: readonly (keyof Measurement)[];
  /** What is averaged over the epochs, in [−1, 1], where it is not the weights. */
  readonly scores?: (measurements: readonly Measurement[]) => number[];
  /** Rate of the moving average that it comes with: the part of the new epoch; 1 where it has none. */
  readonly averageRate: number;
};

/** By the name that a competition file uses. */
const policies: ReadonlyMap<string, PolicyDefinition> = new Map<string, PolicyDefinition>([
  ['dama', { pay: dama, parameters: damaParameters, needs: ['contribution', 'similarity'], averageRate: 1 }],
  ['delta-loss', { pay: deltaLoss, parameters: deltaLossParameters, needs: ['deltaLoss', 'similarity'], averageRate: 1 }],
  ['genki', { pay: genki, parameters: genkiParameters, needs: ['cosine'], averageRate: 0.5 }],
  ['win-rate', { pay: winRate, parameters: winRateParameters, needs: ['losses'], averageRate: 0.1 }],
  ['gradient-agreement', { pay: gradientAgreement, parameters: gradientAgreementParameters, needs: ['agreement'], scores: agreements, averageRate: 0.001 }],
]);

export const policyNames: readonly string[] = [...policies.keys()];

/** @throws {InvalidInput} naming the policies that there are */
export function policyDefinition(name: string): PolicyDefinition {
  const policy = policies.get(name);
  if (!policy) throw new InvalidInput(`Expected a policy of ${policyNames.join(', ')}, got ${name}`);
  return policy;
}

/** @throws {InvalidInput} naming the policies that there are */
export const policyNamed = (name: string): Policy => policyDefinition(name).pay;

/** @throws {InvalidInput} when there is no such policy, it does not have one of the parameters, or one is out of its range */
export function checkPolicy({ name, parameters }: { readonly name: string; readonly parameters: PolicyParameters }): void {
  withDefaults(policyDefinition(name).parameters, parameters);
}

/** What enters the average over the epochs: the policy's scores where it has any of its own, else its weights. */
export function policyScores({ name, parameters }: { readonly name: string; readonly parameters: PolicyParameters }, measurements: readonly Measurement[]): number[] {
  const { pay, scores } = policyDefinition(name);
  return scores?.(measurements) ?? pay(measurements, parameters);
}

import { InvalidInput } from '../errors.ts';
import { balancedOrders } from './shapley-orders.ts';
import { estimatesOf, type Walk } from './shapley-surrogate.ts';
import { coalitions, MAX_PLAYERS, shapleyOfAll } from './shapley.ts';

const MOST_PLAYERS = 64;
const MOST_ENUMERATED = 20;
/** Standard errors from fewer walks are too uncertain to stop by. */
const LEAST_WALKS = 4;

export type EstimateOptions = {
  /** 1 to 64 */
  readonly players: number;
  readonly seed: string;
  /** Enough is known when the largest standard error is at most this part of the total gain. */
  readonly tolerance: number;
  /** Most coalitions that may be measured, at least 2: nobody and everybody always are. */
  readonly maxEvaluations: number;
  /**
   * How close to the total gain, as a part of it, the rest of an order is not measured but gets equal parts of what is
   * missing (Ghorbani and Zou 2019); default 0: never. Where nobody harms this moves a value by at most so much of the
   * total, and one that adds nothing gets a part, too; where a gain peaks before everybody is there it moves them by more.
   * Among players who each add 2 % it saves a fiftieth of the evaluations.
   */
  readonly truncation?: number;
};

export type ShapleyEstimate = {
  /** Shape [players], in score units; sums to v(all) − v(none). */
  readonly values: readonly number[];
  /** Shape [players]; the whole total gain where fewer than two pairs of permutations were measured, 0 where it is exact. */
  readonly standardErrors: readonly number[];
  /** Coalitions measured. */
  readonly evaluations: number;
  /** That the values are the mean of, reverses counted; 0 where they are exact. */
  readonly permutations: number;
  /** After `deadline` two validators may differ; all else follows from the options and the values. */
  readonly stoppedBy: 'tolerance' | 'budget' | 'deadline' | 'exact';
};

/** A coalition, members ascending, and what it is worth. */
export type Valued = { readonly members: readonly number[]; readonly value: number };

/**
 * Shapley values of a game whose every value costs an evaluation, from as few of them as possible.
 *
 * 1. Permutations are walked in pairs, one and its reverse: what two players do to each other cancels exactly. They are
 *    balanced: every player comes at every position equally often (`balancedOrders`).
 * 2. Each pair's marginals are corrected by a smooth game fitted to all others (`estimatesOf`); the values are the pairs'
 *    mean, the standard errors come from how much they differ.
 * 3. The marginals of a walk telescope, so the values add up to v(all) − v(none). Who changes nothing in any walk gets
 *    exactly 0 and is left out of the fit.
 * 4. No coalition is measured twice, nor a walk begun that the budget does not cover. Where it covers all 2^n coalitions,
 *    and n is at most 10 or half of them are measured anyway, all are: the values are exact.
 *
 * @param value of a coalition, members ascending; nobody first, then everybody. One is asked for at a time
 * @param isOver asked before each one after these two; true: stop with what is known
 * @throws {RangeError} when an option is out of range or a value not finite
 */
export async function estimateShapley({ value, isOver = () => false, ...options }: EstimateOptions & { readonly value: (members: readonly number[]) => Promise<number>; readonly isOver?: () => boolean }): Promise<ShapleyEstimate> {
  const steps = estimation(options, isOver);
  let step = steps.next();
  while (!step.done) step = steps.next(await value(step.value));
  return step.value;
}

/**
 * The same estimate, bit by bit, from the values that were recorded on the way.
 * @param options those of the estimate, and what it was stopped by: after a deadline the first coalition without a value is
 *   where time was over
 * @throws {InvalidInput} when the value of a coalition is missing or not finite
 */
export function replayShapley(recorded: readonly Valued[], { stoppedBy, ...options }: EstimateOptions & { readonly stoppedBy: string }): ShapleyEstimate {
  const values = new Map(recorded.map(({ members, value }) => [keyOf(members), value]));
  const steps = estimation(options, (members) => stoppedBy === 'deadline' && !values.has(keyOf(members)));
  let step = steps.next();
  while (!step.done) {
    const value = values.get(keyOf(step.value));
    if (value === undefined || !Number.isFinite(value)) throw new InvalidInput(`Expected the value of the coalition [${step.value.join(', ')}], got ${value ?? 'none'}`);
    step = steps.next(value);
  }
  return step.value;
}

/** What has been measured so far. */
type Game = {
  readonly players: number;
  readonly truncation: number;
  readonly isOver: (members: readonly number[]) => boolean;
  readonly values: Map<string, number>;
  none: number;
  all: number;
};

/** Asks for the value of one coalition after the other. */
type Asking<T> = Generator<readonly number[], T, number>;

function* estimation(options: EstimateOptions, isOver: Game['isOver']): Asking<ShapleyEstimate> {
  const { players, seed, tolerance, maxEvaluations, truncation = 0 } = options;
  checkOptions({ players, tolerance, maxEvaluations, truncation });
  const isEnumerable = players <= MOST_ENUMERATED && 2 ** players <= maxEvaluations;
  const isToBeExact = isEnumerable && players <= MAX_PLAYERS;
  const game: Game = { players, truncation: isToBeExact ? 0 : truncation, isOver, values: new Map(), none: 0, all: 0 };
  game.none = yield* valueOf(game, []);
  game.all = yield* valueOf(game, prefixOf(Array.from({ length: players }, (_, i) => i), players));
  const walks: Walk[] = [];
  const orders = balancedOrders(players, seed);
  for (let nextLook = LEAST_WALKS; ; ) {
    if (isEnumerable && 2 * game.values.size >= 2 ** players) return (yield* enumerated(game)) ?? estimateOf(game, walks, 'deadline');
    const order = orders.next().value;
    // where all orders are soon cut off, walks cost nothing any more
    if (walks.length === maxEvaluations || game.values.size + missingIn(game, order) > maxEvaluations) return estimateOf(game, walks, 'budget');
    const walk = yield* walked(game, order);
    if (!walk) return estimateOf(game, walks, 'deadline');
    walks.push(walk);
    if (isToBeExact || walks.length < nextLook || tolerance === 0) continue;
    nextLook = Math.ceil(1.1 * walks.length);
    const estimate = estimateOf(game, walks, 'tolerance');
    if (Math.max(...estimate.standardErrors) <= tolerance * Math.abs(game.all - game.none)) return estimate;
  }
}

function checkOptions({ players, tolerance, maxEvaluations, truncation }: Required<Omit<EstimateOptions, 'seed'>>): void {
  if (!Number.isInteger(players) || players < 1 || players > MOST_PLAYERS) throw new RangeError(`Expected 1 to ${MOST_PLAYERS} players, got ${players}`);
  if (!(tolerance >= 0)) throw new RangeError(`Expected a tolerance of at least 0, got ${tolerance}`);
  if (!Number.isInteger(maxEvaluations) || maxEvaluations < 2) throw new RangeError(`Expected at least 2 evaluations, got ${maxEvaluations}`);
  if (!(truncation >= 0 && truncation < 1)) throw new RangeError(`Expected a truncation of 0 to 1, got ${truncation}`);
}

const keyOf = (members: readonly number[]): string => members.join();
const prefixOf = (order: readonly number[], size: number): number[] => order.slice(0, size).sort((a, b) => a - b);

function* valueOf({ values }: Game, members: readonly number[]): Asking<number> {
  const known = values.get(keyOf(members));
  if (known !== undefined) return known;
  const value = yield members;
  if (!Number.isFinite(value)) throw new RangeError(`Expected a finite coalition value, got ${value} for [${members.join(', ')}]`);
  values.set(keyOf(members), value);
  return value;
}

const mayAsk = ({ values, isOver }: Game, members: readonly number[]): boolean => values.has(keyOf(members)) || !isOver(members);

/** Coalitions along an order and its reverse that are not measured yet. */
const missingIn = ({ players, values }: Game, order: readonly number[]): number =>
  [order, order.toReversed()].reduce((count, way) => count + Array.from({ length: players - 1 }, (_, j) => prefixOf(way, j + 1)).filter((members) => !values.has(keyOf(members))).length, 0);

/** Undefined when time was over on the way. */
function* walked(game: Game, order: readonly number[]): Asking<Walk | undefined> {
  const there = yield* along(game, order);
  const back = there && (yield* along(game, order.toReversed()));
  return back && { order, odd: there.map((value, j) => (value - back[game.players - j]!) / 2) };
}

/** v after 0 … n players of an order, shape [n + 1]. */
function* along(game: Game, order: readonly number[]): Asking<number[] | undefined> {
  const { players, truncation, none, all } = game;
  const values = [none];
  for (let size = 1; size < players; size++) {
    const last = values[size - 1]!;
    if (truncation > 0 && Math.abs(all - last) <= truncation * Math.abs(all - none)) {
      const steps = players - size + 1;
      return [...values, ...Array.from({ length: steps }, (_, i) => (i + 1 === steps ? all : last + ((all - last) * (i + 1)) / steps))];
    }
    const members = prefixOf(order, size);
    if (!mayAsk(game, members)) return undefined;
    values.push(yield* valueOf(game, members));
  }
  return [...values, all];
}

/** Undefined when time was over on the way. */
function* enumerated(game: Game): Asking<ShapleyEstimate | undefined> {
  const values: number[] = [];
  for (const members of coalitions(game.players)) {
    if (!mayAsk(game, members)) return undefined;
    values.push(yield* valueOf(game, members));
  }
  const phi = shapleyOfAll(values, game.players);
  return { values: phi, standardErrors: phi.map(() => 0), evaluations: values.length, permutations: 0, stoppedBy: 'exact' };
}

function estimateOf({ players, values, none, all }: Game, walks: readonly Walk[], stoppedBy: ShapleyEstimate['stoppedBy']): ShapleyEstimate {
  const total = all - none;
  const active = activeIn(walks, players);
  const estimates = estimatesOf(walks.map((walk) => among(walk, active)));
  const mean = active.map((_, i) => estimates.reduce((sum, phi) => sum + phi[i]!, 0) / estimates.length);
  const error = active.map((_, i) => Math.sqrt(estimates.reduce((sum, phi) => sum + (phi[i]! - mean[i]!) ** 2, 0) / (estimates.length * (estimates.length - 1))));
  const spread = (of: readonly number[]): number[] => Array.from({ length: players }, (_, player) => of[active.indexOf(player)] ?? 0);
  return {
    values: walks.length > 0 ? spread(mean) : Array.from({ length: players }, () => total / players),
    standardErrors: walks.length > 1 ? spread(error) : Array.from({ length: players }, () => Math.abs(total)),
    evaluations: values.size,
    permutations: 2 * walks.length,
    stoppedBy,
  };
}

/** Who changes something in some walk, ascending. */
const activeIn = (walks: readonly Walk[], players: number): number[] =>
  Array.from({ length: players }, (_, player) => player).filter((player) => walks.some(({ order, odd }) => {
    const at = order.indexOf(player);
    return odd[at] !== odd[at + 1];
  }));

/** A walk without those who change nothing, the others numbered anew. */
function among({ order, odd }: Walk, active: readonly number[]): Walk {
  const numbers = new Map(active.map((player, number) => [player, number]));
  const kept = order.flatMap((player, j) => (numbers.has(player) ? [{ number: numbers.get(player)!, odd: odd[j + 1]! }] : []));
  return { order: kept.map(({ number }) => number), odd: [odd[0]!, ...kept.map((step) => step.odd)] };
}

import { join } from 'node:path';
import { EngineError } from '../../genki/errors.ts';
import { leaderboard } from '../../genki/evaluation/round-report.ts';
import { weightCopying } from '../../genki/attacks/weight-copying.ts';
import { captureOf, type Capture } from './capture.ts';
import { Cast, commitsOf, type Play } from './cast.ts';
import { lay } from './lay.ts';
import { columns, pay } from './pay.ts';
import { playRound, type Played } from './round.ts';
import { TOLERANCE } from './scenarios/scenario.ts';
import { scenarios } from './scenarios/scenarios.ts';
import { openEpoch, type Epoch, type Stage } from './stage.ts';
import { standFor } from './stand-for.ts';
import { openStreet } from './street.ts';

/** What an attack takes under a policy. */
export type Line = Capture & {
  readonly attack: string;
  readonly policy: string;
  /** Of the attack as a whole, by all policies together. */
  readonly seconds: number;
  /** Of the attacker's submission that comes out best. */
  readonly verdict: string;
  readonly reason: string;
};

export type SuiteOptions = { readonly attacks?: readonly string[]; readonly policies?: readonly string[]; readonly onLine: (line: Line) => void };

const DEFAULT = 'dama';
/** Of a validator: it is no policy that pays it. */
const YUMA = 'yuma';
const EPOCHS = 20;

/** Validators that copy weights, which are played on the chain alone. */
const copying: ReadonlyMap<string, { readonly commitReveal: boolean }> = new Map([
  ['weight-copying', { commitReveal: true }],
  ['weight-copying-in-the-open', { commitReveal: false }],
]);

export const attackNames: readonly string[] = [...scenarios.keys(), ...copying.keys()];

/** Whether an attack takes more than it may. */
export function exceeds({ attack, policy, captured, honestChange }: Line): boolean {
  const tolerance = scenarios.get(attack)?.tolerance ?? TOLERANCE;
  return (policy === DEFAULT || policy === YUMA) && (captured > tolerance.captured || honestChange > tolerance.honestChange);
}

/** Plays attacks one after another, each against all policies. */
export async function runSuite(stage: Stage, { attacks = attackNames, policies = columns, onLine }: SuiteOptions): Promise<void> {
  const suite = new Suite(stage);
  const cast = await suite.first();
  for (const attack of attacks) {
    const started = performance.now();
    const validators = copying.get(attack);
    if (validators) {
      onLine({ attack, policy: YUMA, ...copied(validators), seconds: (performance.now() - started) / 1000 });
      continue;
    }
    const play = await scenarios.get(attack)!.play(cast);
    const without = await suite.without(play);
    const played = await suite.play(attack, play);
    const seconds = (performance.now() - started) / 1000;
    for (const policy of policies) onLine({ attack, policy, seconds, ...outcomeOf(play, { without, played, policy }) });
    stage.note(`played ${attack} in ${seconds.toFixed(1)} s`);
  }
}

/** What a validator earns beyond its part of the stake, which it would earn by evaluating. */
function copied({ commitReveal }: { readonly commitReveal: boolean }): Omit<Line, 'attack' | 'policy' | 'seconds'> {
  const { stake, dividends } = weightCopying({ commitReveal, epochs: EPOCHS, seed: 'attack-suite' });
  const reason = `earns ${(dividends / stake).toFixed(2)} of what an honest validator of its stake earns`;
  return { captured: dividends - stake, honestChange: 0, verdict: commitReveal ? 'hidden weights' : 'open weights', reason };
}

/** What the attack took, and what became of the attacker. */
function outcomeOf({ epoch, attackers, own = [], gone = [] }: Play, { without, played, policy }: { without: Played; played: Played; policy: string }): Capture & Pick<Line, 'verdict' | 'reason'> {
  const hotkeysOf = (names: readonly string[]): string[] => epoch.honest.filter(({ name }) => names.includes(name)).map(({ miner }) => miner.signer.hotkey);
  const hostile = new Set(attackers.map(({ miner }) => miner.signer.hotkey));
  const honest = epoch.honest.filter(({ name }) => !own.includes(name) && !gone.includes(name)).map(({ miner }) => miner.signer.hotkey);
  const { report, shares } = pay(played, policy);
  const capture = captureOf(pay(without, policy).shares, shares, { attackers: [...hostile], own: hotkeysOf(own), honest });
  const best = leaderboard(report.miners).find(({ hotkey }) => hostile.has(hotkey));
  return { ...capture, verdict: best?.verdict ?? 'not looked at', reason: best?.reason ?? 'it had not committed at the snapshot' };
}

/** Where the honest earn nothing there is nothing to take, and every attack would seem to fail. */
function mustBeScored(played: Played): Played {
  for (const { outcome } of played.evaluated) if (outcome.kind !== 'scored') throw new EngineError(`Expected honest miners to be scored, one is ${outcome.kind}: ${outcome.reason}`);
  if (!played.report.acceptance.accepted.length) throw new EngineError('Expected honest miners to be accepted, got none of them');
  return played;
}

/** The rounds that attacks are compared with, each played once. */
class Suite {
  readonly #stage: Stage;
  readonly #epochs = new Map<number, Promise<Cast>>();
  readonly #rounds = new Map<string, Promise<Played>>();

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  first(): Promise<Cast> {
    return this.#epoch(0, async () => {
      const { genesisDama: base } = this.#stage.deployment;
      return await openEpoch(this.#stage, { number: 0, base, past: { scores: null, leader: null, ledger: null } });
    });
  }

  /** The epoch after, on the Dama that all honest miners of this one make together. */
  #after(epoch: Epoch): Promise<Cast> {
    return this.#epoch(epoch.plan.epoch + 1, async () => {
      const played = await this.without({ epoch, attackers: [], place: { at: 'last' } });
      const { report, dama } = played;
      const past = { scores: report.scores.after, leader: leaderboard(report.miners)[0]!.hotkey, ledger: report.ledger };
      return await openEpoch(this.#stage, { number: epoch.plan.epoch + 1, base: dama, past, lastScale: report.acceptance.scale, standing: await standFor(this.#stage, epoch, played) });
    });
  }

  #epoch(number: number, open: () => Promise<Epoch>): Promise<Cast> {
    const opened = this.#epochs.get(number) ?? open().then((epoch) => new Cast(this.#stage, epoch, () => this.#after(epoch)));
    this.#epochs.set(number, opened);
    return opened;
  }

  /** The round without the attack: everybody honest, also who attacks in it, from the same place, but not who has left. */
  without({ epoch, place, own = [], gone = [] }: Play): Promise<Played> {
    const at = own.length > 0 && place.at === 'first' ? 'first' : 'last';
    const key = [epoch.plan.epoch, at, ...own, 'without', ...gone].join('-');
    const attackers = epoch.honest.filter(({ name }) => own.includes(name));
    const played = this.#rounds.get(key) ?? this.play(`honest-${key}`, { epoch, own, gone, attackers, place: { at } }).then(mustBeScored);
    this.#rounds.set(key, played);
    return played;
  }

  async play(name: string, play: Play): Promise<Played> {
    const { root } = this.#stage;
    for (const { handed } of play.attackers) await lay(root, handed);
    const end = await play.meanwhile?.(root);
    const street = await openStreet(join(root, '.streets', name), commitsOf(play), this.#stage.deployment.competition);
    try {
      return await playRound(this.#stage, play.epoch, { street, name });
    } finally {
      await end?.();
      await street.close();
    }
  }
}

import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { parseJson } from '../../activities/parse-json.ts';
import { InvalidInput } from '../../genki/errors.ts';
import { deploymentFile } from '../../workers/deployment.ts';
import { connect, type Connected } from '../connect.ts';
import { EmbeddedNetwork } from '../embedded/network.ts';
import { claimHome } from '../embedded/one-network.ts';
import { runEpoch, type Epoch } from './epoch.ts';
import { saveListening } from './listening.ts';
import { describeEpoch, describePhases, namesOf, resultOf, type Result } from './result.ts';
import { bold, dim, Screen } from './screen.ts';

export type FirstLightOptions = {
  readonly home: string;
  readonly env: NodeJS.ProcessEnv;
  readonly rounds: number;
  readonly resume: boolean;
  readonly keep: boolean;
  readonly json: boolean;
  readonly blockMs: number;
  readonly anyPorts?: boolean;
  readonly signal: AbortSignal;
};

/** The chain's epoch in which each round began, so that a resumed run turns it no further than it has to. */
const State = z.strictObject({ version: z.literal(1), rounds: z.int().positive(), begun: z.record(z.string(), z.int().nonnegative()) });
type State = z.infer<typeof State>;

/** A whole epoch of the federation on this machine, or several, each from the last one's Dama. */
export async function firstLight(options: FirstLightOptions): Promise<Result> {
  const { home, env, resume, keep, json, blockMs, signal } = options;
  const screen = new Screen(json ? process.stderr : process.stdout, json);
  const phases: { name: string; ms: number }[] = [];
  const timed = async <T>(name: string, task: () => Promise<T>): Promise<T> => {
    const started = performance.now();
    const result = await task();
    phases.push({ name, ms: performance.now() - started });
    return result;
  };
  await prepareHome(home, resume, screen);
  screen.say(bold('Starting the network'));
  const say = (line: string): void => screen.say(`  ${line}`);
  const network = await timed('start', () => EmbeddedNetwork.start({ home, env, blockMs, say, ...(options.anyPorts && { anyPorts: true }) }));
  try {
    if (signal.aborted) throw signal.reason;
    const connected = await connect({ ...env, GENKI_HOME: home });
    try {
      const names = namesOf(connected.participants);
      const { rounds } = await updateState(home, (state) => ({ ...state, rounds: Math.max(state.rounds, options.rounds) }));
      const epochs: Epoch[] = [];
      const files: string[] = [];
      for (let round = 1; round <= rounds; round++) {
        screen.say(bold(`\nRound ${round} of ${rounds}`));
        const epoch = (await readEpoch(home, round)) ?? (await keepEpoch(home, await runEpoch({ connected, screen, round, firstEpoch: await begin(home, round, connected), signal })));
        epochs.push(epoch);
        phases.push(...epoch.phases);
        files.push(...(await saveListening(connected, epoch, env)));
        for (const line of describeEpoch(epoch, names)) screen.say(line);
      }
      const result = resultOf(epochs, { names, phases, files });
      for (const line of closing(result, { keep, ui: network.addresses.ui, temporal: network.addresses.temporal, home })) screen.say(line);
      if (keep) await new Promise<void>((resolve) => (signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve(), { once: true })));
      return result;
    } finally {
      // a stopped run leaves questions to Temporal open, which would be asked again over a closed connection
      if (!signal.aborted) await connected.close();
    }
  } finally {
    screen.done();
    await network.stop();
  }
}

/** A new run begins in an empty home; the one before it is kept once. */
export async function prepareHome(home: string, resume: boolean, screen: Screen): Promise<void> {
  const isThere = existsSync(home);
  if (isThere) await claimHome(home);
  if (resume) {
    if (!isThere || !(existsSync(stateFile(home)) || existsSync(deploymentFile(home)))) throw new Error(`Expected a run to resume in ${home}, there is none; start one with: npm start`);
    return;
  }
  if (isThere && !existsSync(stateFile(home))) throw new Error(`Expected ${home} to be empty or of an earlier run; it is neither, so it stays as it is: choose another folder by GENKI_HOME${existsSync(deploymentFile(home)) ? ', or run an epoch in this network with --resume' : ''}`);
  if (isThere) {
    const previous = `${home}.previous`;
    await rm(previous, { recursive: true, force: true });
    await rename(home, previous);
    screen.say(dim(`The last run's keys, objects and chain are in ${previous} now; --resume would have carried it on.`));
  }
  await mkdir(home, { recursive: true, mode: 0o700 });
  await updateState(home, (state) => state);
}

const stateFile = (home: string): string => join(home, 'first-light.json');

async function updateState(home: string, change: (state: State) => State): Promise<State> {
  const file = stateFile(home);
  const state = change(existsSync(file) ? await readOwn(file, State) : { version: 1, rounds: 1, begun: {} });
  await writeFile(`${file}.part`, JSON.stringify(state));
  await rename(`${file}.part`, file);
  return state;
}

/** The epoch that a round began in, remembered before anything is done in it. */
async function begin(home: string, round: number, { chain, deployment }: Connected): Promise<number> {
  const { epoch } = await chain.metagraph(deployment.competition.netuid, (await chain.head()).hash);
  const { begun } = await updateState(home, (state) => ({ ...state, begun: { [round]: epoch, ...state.begun } }));
  return begun[round]!;
}

/** A file that an earlier run has written. @throws {InvalidInput} naming it when it is damaged */
async function readOwn<T>(file: string, schema: z.ZodType<T>): Promise<T> {
  const parsed = schema.safeParse(parseJson(await readFile(file)));
  if (parsed.success) return parsed.data;
  throw new InvalidInput(`Expected ${file} as an earlier run has written it, it is damaged; without it that part of the run is done again`);
}

const epochFile = (home: string, round: number): string => join(home, `round-${round}.json`);

async function readEpoch(home: string, round: number): Promise<Epoch | undefined> {
  const file = epochFile(home, round);
  return existsSync(file) ? ((await readOwn(file, z.looseObject({ round: z.literal(round), phases: z.array(z.unknown()), report: z.looseObject({}) }))) as unknown as Epoch) : undefined;
}

async function keepEpoch(home: string, epoch: Epoch): Promise<Epoch> {
  const file = epochFile(home, epoch.round);
  await writeFile(`${file}.part`, JSON.stringify(epoch));
  await rename(`${file}.part`, file);
  return epoch;
}

function closing({ phases, files }: Result, { keep, ui, temporal, home }: { keep: boolean; ui: string | undefined; temporal: string; home: string }): string[] {
  const at = temporal.endsWith(':7233') ? '' : ` --address ${temporal}`;
  const lines = ['', bold('Listen'), ...files.map((file) => `  ${file}`), '', dim(describePhases(phases)), ''];
  if (!keep) return [...lines, `${bold('Next')}  npm start -- --keep   leaves the network running, with the Temporal Web UI`, '      npm start -- --resume --rounds 3   carries on from here', `      npm run genki -- doctor   what was found on this machine; everything is kept in ${home}`];
  return [
    ...lines,
    ...(ui === undefined ? [] : [`Temporal Web UI: ${bold(ui)}`]),
    'The network is running; Ctrl-C stops it. Try, in another terminal:',
    `  temporal workflow list${at}`,
    `  temporal workflow start --type trainingWindow --task-queue genki${at}`,
    `  temporal workflow start --type validationRound --task-queue genki --input '{"dryRun":true}'${at}`,
    '  npm run genki -- leaderboard',
    '  npm run genki -- generate "swing steady" -o swing.wav',
  ];
}

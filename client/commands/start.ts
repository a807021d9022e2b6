import { InvalidInput } from '../../genki/errors.ts';
import { firstLight, type FirstLightOptions } from '../first-light/first-light.ts';
import { relayScenario } from '../scenarios/relay.ts';
import { windowsScenario } from '../scenarios/windows.ts';
import { Stopped, stopSignal } from '../stop-signal.ts';

/** As a shell says of a program that Ctrl-C ended. */
const INTERRUPTED = 130;

export type Scenario = 'adapters' | 'windows' | 'relay';

/** `genki start`: exits 0 when the run is done. */
export async function start({ scenario, ...options }: Omit<FirstLightOptions, 'signal'> & { scenario: Scenario }): Promise<void> {
  if (scenario !== 'adapters' && (options.resume || options.rounds > 1)) throw new InvalidInput(`Expected --resume and --rounds with the scenario adapters alone, got ${scenario}`);
  const signal = stopSignal();
  try {
    const result = await play(scenario, { ...options, signal });
    if (signal.aborted) process.stderr.write('Stopped; everything is kept.\n');
    if (options.json) await written(`${JSON.stringify(result)}\n`);
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
    process.stderr.write(scenario === 'adapters' ? 'Stopped; everything is kept. Carry on with: npm start -- --resume\n' : 'Stopped.\n');
    process.exitCode = INTERRUPTED;
  }
  // questions to Temporal that a stopped run has left open keep nobody waiting
  if (signal.aborted) process.exit();
}

const play = (scenario: Scenario, options: FirstLightOptions): Promise<unknown> => {
  if (scenario === 'windows') return windowsScenario(options);
  return scenario === 'relay' ? relayScenario(options) : firstLight(options);
};

const written = (text: string): Promise<void> => new Promise((resolve) => process.stdout.write(text, () => resolve()));

import { firstLight, type FirstLightOptions } from '../first-light/first-light.ts';
import { Stopped, stopSignal } from '../stop-signal.ts';

/** As a shell says of a program that Ctrl-C ended. */
const INTERRUPTED = 130;

/** `genki start`: exits 0 when the run is done. */
export async function start(options: Omit<FirstLightOptions, 'signal'>): Promise<void> {
  const signal = stopSignal();
  try {
    const result = await firstLight({ ...options, signal });
    if (signal.aborted) process.stderr.write('Stopped; everything is kept.\n');
    if (options.json) await written(`${JSON.stringify(result)}\n`);
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
    process.stderr.write('Stopped; everything is kept. Carry on with: npm start -- --resume\n');
    process.exitCode = INTERRUPTED;
  }
  // questions to Temporal that a stopped run has left open keep nobody waiting
  if (signal.aborted) process.exit();
}

const written = (text: string): Promise<void> => new Promise((resolve) => process.stdout.write(text, () => resolve()));

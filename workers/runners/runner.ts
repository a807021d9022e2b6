/**
 * A process that holds tensors. It works on its main thread, since a thread that is stopped inside an engine call
 * takes the whole process with it, and listens between steps. It ends with its parent.
 */
import { chooseEngine } from '../../genki/engine/choose-engine.ts';
import type { Control } from '../../activities/model/job.ts';
import { createJobs, type JobKind, type Jobs } from '../../activities/model/jobs.ts';
import { nativeFolder } from '../engine.ts';
import { createStore } from '../store.ts';
import type { FromRunner, RunnerOptions, ToRunner } from './messages.ts';

const options = JSON.parse(process.argv[2]!) as RunnerOptions;
const say = (message: FromRunner): void => void process.send!(message);

let stopRequested = false;

async function start() {
  const engine = await chooseEngine({ threads: options.threads, native: nativeFolder(process.env), prefer: options.engine });
  say({ type: 'ready', engine: engine.build });
  return createJobs({ engine, store: createStore(options.store), clap: options.clap, models: options.models, alive: () => say({ type: 'alive' }) });
}
const started = start();
started.catch(() => undefined); // the first job reports it

/** Lets the event loop turn, so that a request to stop can be heard. */
const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const control: Control = {
  async progress(details) {
    say({ type: 'progress', details });
    await breathe();
    return !stopRequested;
  },
};

async function run<K extends JobKind>(kind: K, input: Jobs[K]['input']): Promise<void> {
  stopRequested = false;
  try {
    const jobs = await started;
    const value = await jobs[kind](input, control);
    say(value === undefined ? { type: 'stopped' } : { type: 'result', value });
  } catch (error) {
    const { name, message } = error instanceof Error ? error : { name: 'Error', message: String(error) };
    say({ type: 'failed', name, message });
  }
}

process.on('message', (message: ToRunner) => {
  if (message.type === 'stop') stopRequested = true;
  else void run(message.kind, message.input);
});
process.on('disconnect', () => process.exit(0));
process.on('SIGTERM', () => process.exit(0));
process.on('SIGINT', () => undefined);

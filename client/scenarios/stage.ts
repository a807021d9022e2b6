import { createOnnxEngine } from '../../genki/engine/onnx/onnx-engine.ts';
import { languageWeights, openModel, type OpenModel } from '../../genki/music/open-model.ts';
import type { Competition } from '../../genki/protocol/competition.ts';
import type { TensorMap } from '../../genki/protocol/safetensors.ts';
import type { Engine } from '../../genki/engine/engine.ts';
import { connect, type Connected } from '../connect.ts';
import { EmbeddedNetwork } from '../embedded/network.ts';
import { prepareHome, type FirstLightOptions } from '../first-light/first-light.ts';
import { bold, dim, Screen } from '../first-light/screen.ts';
import { SHIPPED_DAMA } from '../shipped-dama.ts';
import { Meter } from './meter.ts';

export type ScenarioOptions = Pick<FirstLightOptions, 'home' | 'env' | 'keep' | 'json' | 'blockMs' | 'anyPorts' | 'signal'>;

/** What a scenario is played on: a network, and beside it what measures the models that come out of it. */
export type Stage = {
  readonly connected: Connected;
  readonly screen: Screen;
  readonly signal: AbortSignal;
  readonly engine: Engine;
  /** The Dama that the competition begins with. */
  readonly model: OpenModel;
  readonly weights: TensorMap;
  readonly meter: Meter;
};

/** A new network in the home, for as long as the scenario is played, or until Ctrl-C where it is kept. */
export async function onStage<T>(competition: Competition, { home, env, keep, json, blockMs, anyPorts, signal }: ScenarioOptions, play: (stage: Stage) => Promise<T>): Promise<T> {
  const screen = new Screen(json ? process.stderr : process.stdout, json);
  await prepareHome(home, false, screen);
  screen.say(bold('Starting the network'));
  const network = await EmbeddedNetwork.start({ home, env, blockMs, competition, say: (line) => screen.say(`  ${line}`), ...(anyPorts && { anyPorts }) });
  const undo: (() => Promise<unknown> | void)[] = [() => network.stop(), () => screen.done()];
  try {
    if (signal.aborted) throw signal.reason;
    const connected = await connect({ ...env, GENKI_HOME: home });
    undo.push(() => (signal.aborted ? undefined : connected.close()));
    const model = await openModel(SHIPPED_DAMA);
    undo.push(() => model.close());
    const engine = await createOnnxEngine({ threads: 1 });
    undo.push(() => engine.dispose());
    const meter = await Meter.open(engine, model.music, competition);
    undo.push(() => meter.close());
    const result = await play({ connected, screen, signal, engine, model, weights: await languageWeights(model), meter });
    if (keep) {
      screen.say(dim(`\nThe network is running; Ctrl-C stops it.${network.addresses.ui === undefined ? '' : ` Temporal Web UI: ${network.addresses.ui}`}`));
      await new Promise<void>((resolve) => (signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve(), { once: true })));
    }
    return result;
  } finally {
    for (const step of undo.reverse()) await step();
  }
}

/** The work's result, unless somebody stops it first. */
export async function unlessStopped<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const stopped = new Promise<never>((_, reject) => {
    if (signal.aborted) reject(signal.reason as Error);
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
  stopped.catch(() => undefined);
  work.catch(() => undefined);
  return await Promise.race([work, stopped]);
}

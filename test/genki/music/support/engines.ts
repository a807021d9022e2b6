import { availableEngines, chooseEngine } from '../../../../genki/engine/choose-engine.ts';
import type { Engine } from '../../../../genki/engine/engine.ts';

/** The engine that a machine without GPU takes, which the laws are held against. */
export const createEngine = (): Promise<Engine> => chooseEngine({ prefer: 'onnx', threads: 2 });

/** Every engine that this machine has, by name. */
export const machineEngines = async (): Promise<[string, () => Promise<Engine>][]> =>
  (await availableEngines()).filter(({ ok }) => ok).map(({ name }) => [name, () => chooseEngine({ prefer: name, threads: 2 })]);

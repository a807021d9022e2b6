import type { Engine, Executable, Program } from '../engine/engine.ts';
import type { TensorMap } from '../protocol/safetensors.ts';
import type { Parameter } from './adamw.ts';
import type { Backprop, OnPart, Slope } from './backprop.ts';
import type { Batch } from './batch.ts';
import type { LanguageConfig } from './config.ts';
import { batchFeeds, disposeAll, type Feeds, lossFeeds, parameterFeeds } from './feeds.ts';
import { type Adapted, embedBackProgram, embedProgram, headProgram, layerBackProgram, layerProgram, partOf, trainedOf } from './layerwise-programs.ts';
import { LayerwisePass, type Stages } from './layerwise-pass.ts';
import { Stage } from './layerwise-stage.ts';
import { type LoraConfig, loraLayers } from './lora.ts';
import { ResidentWeights } from './resident-weights.ts';
import { names, weightSpecs } from './weights.ts';

/**
 * Goes through the model a layer at a time, there and back, keeping of each layer what goes in (activation checkpointing,
 * Chen et al. 2016): one layer's work in memory instead of all layers', for computing each layer's once more.
 */
export class Layerwise implements Backprop {
  readonly #engine: Engine;
  readonly #config: LanguageConfig;
  readonly #stages: Stages;
  readonly #programs: readonly Executable[];
  readonly #frozen: ResidentWeights;

  private constructor(engine: Engine, config: LanguageConfig, of: { stages: Stages; programs: readonly Executable[]; frozen: ResidentWeights }) {
    this.#engine = engine;
    this.#config = config;
    this.#stages = of.stages;
    this.#programs = of.programs;
    this.#frozen = of.frozen;
  }

  static async create(engine: Engine, config: LanguageConfig, beside: { lora: LoraConfig; frozen: TensorMap }): Promise<Layerwise> {
    const programs: Executable[] = [];
    const compile = async (program: Program): Promise<Executable> => {
      const executable = await engine.compile(program);
      programs.push(executable);
      return executable;
    };
    const stages = await openStages({ config, lora: beside.lora }, compile);
    const frozen = new ResidentWeights(engine, weightSpecs(config));
    frozen.load(beside.frozen);
    return new Layerwise(engine, config, { stages, programs, frozen });
  }

  async run(batch: Batch, parameters: readonly Parameter[], onPart?: OnPart): Promise<Slope> {
    const engine = this.#engine;
    const own: Feeds = {
      ...batchFeeds(engine, this.#config, batch),
      ...lossFeeds(engine, batch),
      ...parameterFeeds(engine, parameters),
    };
    const pass = new LayerwisePass(engine, { ...this.#frozen.feeds(), ...own }, onPart);
    try {
      const loss = await pass.through(this.#stages);
      const gradients = parameters.map(({ name }) => gradientOf(pass, name));
      return { loss, gradients, release: () => {} };
    } finally {
      pass.dispose();
      disposeAll(own);
    }
  }

  async dispose(): Promise<void> {
    this.#frozen.dispose();
    for (const program of this.#programs) await program.dispose();
  }
}

function gradientOf({ gradients }: LayerwisePass, name: string): Float32Array {
  const gradient = gradients.get(name);
  if (gradient === undefined) throw new RangeError(`Expected a gradient of ${name}, no stage has one`);
  return gradient;
}

async function openStages(of: Adapted, compile: (program: Program) => Promise<Executable>): Promise<Stages> {
  const stage = async (program: Program): Promise<Stage> => new Stage(await compile(program), program);
  const isTextTrained = trainedOf(of, 'embed').length > 0;
  const opened = new Map<string, { first: number; programs: readonly [Program, Program]; executables: readonly [Executable, Executable] }>();
  const layers: Stages['layers'][number][] = [];
  for (let l = 0; l < of.config.decoder.numLayers; l++) {
    const kind = adapterKind(of, l);
    let shared = opened.get(kind);
    if (shared === undefined) {
      const programs = [layerProgram(of, l), layerBackProgram(of, l, { withText: isTextTrained })] as const;
      shared = { first: l, programs, executables: [await compile(programs[0]), await compile(programs[1])] };
      opened.set(kind, shared);
    }
    const { first, programs: [forth, back], executables } = shared;
    const nameOf = (input: string): string => input.replace(`${names.layer(first)}.`, `${names.layer(l)}.`);
    layers.push({ forth: new Stage(executables[0], { inputs: forth.inputs, nameOf }), back: new Stage(executables[1], { inputs: back.inputs, nameOf }) });
  }
  return { embed: await stage(embedProgram(of)), layers, head: await stage(headProgram(of)), ...(isTextTrained && { embedBack: await stage(embedBackProgram(of)) }) };
}

/** What an adapter does in a layer: layers that have it in common are computed alike. */
function adapterKind({ config, lora }: Adapted, l: number): string {
  const own = loraLayers(config, lora).filter(({ module }) => partOf(`${module}.`) === l);
  return JSON.stringify(own.map(({ module, rank, scale }) => [module.slice(names.layer(l).length), rank, scale]));
}

import type { NanoHyper } from '../../genki/evaluation/clap/nano/trainer.ts';
import type { NanoMeasurement } from './measure.ts';

/** `training.json` of an embedder: enough to train it again, and what came out. */
export type ClapRecord = {
  readonly name: string;
  readonly licence: string;
  readonly parameters: number;
  /** Base64 sha256 over the weights' canonical tensors: what a competition names. */
  readonly digest: string;
  readonly data: { readonly styles: readonly string[]; readonly clipsOfEachStyle: number; readonly mixtures: number; readonly junkOfEachKind: number };
  readonly batch: { readonly clips: number; readonly junk: number; readonly foils: number };
  readonly seeds: Readonly<Record<string, string>>;
  readonly hyper: NanoHyper;
  /** Engine, version and device. On another one the weights differ in their last digits. */
  readonly engine: string;
  /** [step, mean training loss of the steps since the point before, nats]. */
  readonly lossCurve: readonly (readonly [number, number])[];
  readonly heldOut: { readonly clipsOfEachStyle: number; readonly mixtures: number; readonly junkOfEachKind: number; readonly frechetClips: number };
  readonly measured: NanoMeasurement;
};

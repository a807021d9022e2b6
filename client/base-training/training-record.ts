import type { Hyper } from '../../genki/music/schedule.ts';
import type { DatasetManifest } from '../../genki/data/dataset.ts';
import type { Measurement } from './work-folder.ts';

/** `training.json` of a Dama: enough to train it again, and what came out. */
export type TrainingRecord = {
  readonly name: string;
  readonly licence: string;
  readonly parameters: number;
  /** Base64 sha256 over the weights' canonical tensors. */
  readonly digest: string;
  readonly data: DatasetManifest & { readonly styles: readonly string[]; readonly clipsOfEachStyle: number };
  readonly seeds: Readonly<Record<string, string>>;
  readonly hyper: Hyper;
  /** Engine, version and device. On another one the weights differ in their last digits. */
  readonly engine: string;
  /** [step, mean training loss of the steps since the point before, nats per code]. */
  readonly lossCurve: readonly (readonly [number, number])[];
  /** Nats per code by style; `floors` are the composer's own entropy. */
  readonly heldOut: readonly Measurement[];
  readonly heldOutClipsOfEachStyle: number;
  readonly floors: Readonly<Record<string, number>>;
};

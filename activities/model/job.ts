import type { Engine } from '../../genki/engine/engine.ts';
import type { ObjectStore } from '../../genki/store/object-store.ts';
import type { ModelCache } from './model-cache.ts';

/** How a job talks while it works. */
export type Control = {
  /** Reports progress and lets requests in; false: stop now, keeping what is needed to go on later. */
  progress(details: unknown): Promise<boolean>;
};

/** Where LAION-CLAP's files are. */
export type Clap = { readonly folder?: string; readonly cacheDir?: string };

export type JobDeps = { readonly engine: Engine; readonly store: ObjectStore; readonly cache: ModelCache };

/** Where a process keeps what it loads, and how it says that it lives while it does. */
export type Loading = { readonly clap?: Clap; /** folder for the files of large Damas; without it all are held in memory */ readonly models?: string; readonly alive?: () => void };

/** A job's function; undefined: it stopped because it was asked to. */
export type Job<T extends { input: unknown; output: unknown }> = (deps: JobDeps) => (input: T['input'], control: Control) => Promise<T['output'] | undefined>;

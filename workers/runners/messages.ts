import type { Jobs, JobKind } from '../../activities/model/jobs.ts';
import type { ClapSettings, StoreSettings } from '../settings.ts';

/** Parent to runner. */
export type ToRunner = { [K in JobKind]: { readonly type: 'job'; readonly kind: K; readonly input: Jobs[K]['input'] } }[JobKind] | { readonly type: 'stop' };

/** Runner to parent. Every message is a sign of life. */
export type FromRunner =
  | { readonly type: 'ready'; readonly engine: string }
  | { readonly type: 'progress'; readonly details: unknown }
  | { readonly type: 'alive' }
  | { readonly type: 'result'; readonly value: unknown }
  /** Stopped when asked; what was reached is in the last progress. */
  | { readonly type: 'stopped' }
  | { readonly type: 'failed'; readonly name: string; readonly message: string };

/** What a runner process is started with. */
export type RunnerOptions = { readonly store: StoreSettings; readonly engine: string | undefined; readonly threads: number; readonly clap: ClapSettings; /** where the files of large Damas are kept */ readonly models: string };

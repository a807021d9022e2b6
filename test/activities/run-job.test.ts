import { ApplicationFailure, CancelledFailure } from '@temporalio/activity';
import { describe, expect, it } from 'vitest';
import { runJob, type Runners } from '../../activities/run-job.ts';
import { EmbedderUnfit, RunnerCrashed } from '../../genki/errors.ts';
import { JobFailed } from '../../workers/runners/runner-pool.ts';
import { inActivity } from './support/in-activity.ts';

const failing = (error: Error): Runners => ({ run: () => Promise.reject(error) });
const failure = (error: Error): Promise<unknown> => inActivity(() => runJob(failing(error), 'anchors', {} as never)).then(() => undefined, (thrown: unknown) => thrown);

describe('a job that fails in its runner', () => {
  it('fails by the name that it had there, so that a workflow knows whether to try again', async () => {
    expect(await failure(new JobFailed('EmbedderUnfit', 'deaf'))).toMatchObject({ type: 'EmbedderUnfit', message: 'deaf' });
    expect(await failure(new JobFailed('EmbedderUnfit', 'deaf'))).toBeInstanceOf(ApplicationFailure);
  });

  it('fails as it is where it failed here', async () => {
    for (const error of [new RunnerCrashed('gone'), new EmbedderUnfit('deaf'), new CancelledFailure('CANCELLED')]) expect(await failure(error)).toBe(error);
  });
});

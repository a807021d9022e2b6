import { MockActivityEnvironment } from '@temporalio/testing';

/** What the activity gives, run where an activity runs. */
export const inActivity = <T>(activity: () => Promise<T>): Promise<T> => new MockActivityEnvironment().run<[], T, () => Promise<T>>(activity);

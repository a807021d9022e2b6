/** The gpu worker: polls model work and hands it to runner processes. It never touches a tensor itself. */
import { NativeConnection, Worker } from '@temporalio/worker';
import { createGpuActivities } from '../../activities/gpu.ts';
import { GPU_QUEUE } from '../../workflows/queues.ts';
import { installRuntime, runUntilSignal } from '../process.ts';
import { RunnerPool } from '../runners/runner-pool.ts';
import { readSettings } from '../settings.ts';

installRuntime();
const { network, store, engine, runners, threads, clap, models } = readSettings(process.env);
const pool = new RunnerPool({ store, engine, threads, clap, models });
const connection = await NativeConnection.connect({ address: network.temporal });
const worker = await Worker.create({
  connection,
  namespace: network.namespace,
  taskQueue: GPU_QUEUE,
  activities: createGpuActivities({ runners: pool }),
  // one job a runner: two on one GPU would fight for its memory
  maxConcurrentActivityTaskExecutions: runners,
  // a request to stop travels on the answer to a beat
  maxHeartbeatThrottleInterval: '2 seconds',
  defaultHeartbeatThrottleInterval: '2 seconds',
  shutdownGraceTime: '1 second',
  shutdownForceTime: '30 seconds',
});
try {
  await runUntilSignal('gpu', [worker]);
} finally {
  await pool.close();
  await connection.close();
}

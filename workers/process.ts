import { DefaultLogger, makeTelemetryFilterString, Runtime, type Worker } from '@temporalio/worker';

/** One line a message on stderr; the core's chatter about fresh entities is left out. */
export function installRuntime(): void {
  Runtime.install({
    logger: new DefaultLogger('WARN'),
    telemetryOptions: { logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }) } },
    shutdownSignals: ['SIGTERM', 'SIGINT'],
  });
}

/** Runs workers until a signal ends them; says so once they poll, and ends with a parent that is gone. */
export async function runUntilSignal(name: string, workers: readonly Worker[]): Promise<void> {
  const running = Promise.all(workers.map((worker) => worker.run()));
  process.on('disconnect', () => {
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  });
  // a listener would keep the process alive after its work is done
  process.channel?.unref();
  process.send?.('ready');
  process.stdout.write(process.argv.includes('--json') ? `${JSON.stringify({ worker: name, state: 'ready' })}\n` : `${name} worker is ready\n`);
  await running;
}

/** Somebody asked to stop. */
export class Stopped extends Error {
  override readonly name = 'Stopped';
}

/** How many requests it takes to end at once, whatever is left behind. */
const FORCE = 3;

/** Aborts with `Stopped` at the first Ctrl-C or SIGTERM; whoever insists ends the process without putting anything away. */
export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  let asked = 0;
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      if (++asked === 1) process.stderr.write('\nStopping; a few seconds, please.\n');
      if (asked >= FORCE) process.exit(1);
      controller.abort(new Stopped(name));
    });
  }
  return controller.signal;
}

/**
 * Moves a process's wall clock by the milliseconds that the file GENKI_CHAOS_CLOCK holds, from then on and back again:
 *
 *     NODE_OPTIONS="--import …/clock.mjs" GENKI_CHAOS_CLOCK=FILE node …
 *
 * Timers and `performance.now()` go on as they are, as they do when somebody sets a machine's clock.
 */
import { readFileSync } from 'node:fs';

const LOOK_EVERY_MS = 50;
const file = process.env.GENKI_CHAOS_CLOCK;
const real = Date;
let offsetMs = 0;
let lookedAt = -Infinity;

function now() {
  const at = performance.now();
  if (at - lookedAt > LOOK_EVERY_MS) {
    lookedAt = at;
    try {
      offsetMs = Number(readFileSync(file, 'utf8')) || 0;
    } catch {
      offsetMs = 0;
    }
  }
  return real.now() + offsetMs;
}

if (file) {
  globalThis.Date = new Proxy(real, {
    construct: (target, args, newTarget) => Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
    apply: () => new real(now()).toString(),
    get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)),
  });
}

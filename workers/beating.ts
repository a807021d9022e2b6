import type { ActivityInterceptorsFactory } from '@temporalio/worker';

/** Well below the shortest heartbeat timeout of `workflows/steps.ts` for this queue. */
const BEAT_MS = 5000;

/** For as long as an activity runs, says that its worker lives: one that was killed is missed in half a minute, and not when its time is up. */
export const beating: ActivityInterceptorsFactory = (context) => ({
  inbound: {
    async execute(input, next) {
      const beat = setInterval(() => context.heartbeat(), BEAT_MS);
      try {
        return await next(input);
      } finally {
        clearInterval(beat);
      }
    },
  },
});

const MAX_TRIES = 3000;
const MAX_MS = 5000;

/** Fewer bytes of which the same holds: parts are left out, the larger first, until none can be (ddmin). */
export async function minimised(input: Uint8Array, stillFails: (bytes: Uint8Array) => Promise<boolean>): Promise<Uint8Array> {
  const until = performance.now() + MAX_MS;
  let small = input;
  let tries = 0;
  for (let size = Math.ceil(input.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < small.length; ) {
      if (++tries > MAX_TRIES || performance.now() > until) return small;
      const candidate = Buffer.concat([small.subarray(0, at), small.subarray(at + size)]);
      if (await stillFails(candidate)) small = candidate;
      else at += size;
    }
  }
  return small;
}

/**
 * Updates that another language draws to the bit, without a file of gigabytes between the two: a hash of the index (the
 * finaliser of MurmurHash3), uniform in [−1, 1), and longer from peer to peer, so that which ones are nearest is beyond rounding.
 */
export function drawn({ peers, values, seed }: { readonly peers: number; readonly values: number; readonly seed: number }): Float32Array[] {
  return Array.from({ length: peers }, (_, peer) => {
    const update = new Float32Array(values);
    const start = Math.imul(seed + peer, 0x9e3779b9);
    const scale = 1 + peer / 64;
    for (let i = 0; i < values; i++) update[i] = scale * ((hashed((start + i) | 0) >>> 8) * 2 ** -23 - 1);
    return update;
  });
}

function hashed(index: number): number {
  let x = index;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return x ^ (x >>> 16);
}

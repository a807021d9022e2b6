import * as z from 'zod';
import type { Codes } from '../genki/music/clip.ts';
import { type Side, timed } from './in-turns.ts';
import type { PyTorchPeer } from './pytorch/pytorch-peer.ts';

/** One who composes a clip for each of some texts: by chance, or always the likeliest codes. */
export type Composer = { readonly name: string; compose: Side; likeliest(): Promise<readonly number[]> };

/** Of the likeliest codes; one that is a tie but for the last bits may fall either way, and what follows it. */
const SAME_CODES = 0.9;

/** @throws {Error} when they do not compose the same where nothing is left to chance */
export async function checkSameCodes(name: string, ours: Composer, peer: Composer | undefined): Promise<void> {
  const codes = await ours.likeliest();
  const others = await peer?.likeliest();
  if (others === undefined) return;
  const same = codes.filter((code, i) => code === others[i]).length / codes.length;
  if (others.length !== codes.length || !(same >= SAME_CODES)) throw new Error(`${name}: expected ${peer!.name} to compose the same codes, got ${(100 * same).toFixed(1)} % of them`);
}

/** @param generate composes with this sampling */
export const ourComposer = (generate: (sampling: { readonly temperature: number }) => Promise<readonly Codes[]>): Composer => ({
  name: 'onnx',
  compose: (times) => timed(times, () => generate({ temperature: 1 })),
  likeliest: async () => (await generate({ temperature: 0 })).flatMap((codes) => [...codes]),
});

const Composed = z.strictObject({ codes: z.array(z.number()), ms: z.array(z.number()) });

/** @param requests what the peer's script is asked for either kind */
export const peerComposer = (peer: PyTorchPeer, requests: { readonly compose: object; readonly likeliest: object }): Composer => ({
  name: peer.name,
  compose: async (times) => (await peer.ask({ kind: 'compose', times, ...requests.compose }, Composed)).ms,
  likeliest: async () => (await peer.ask({ kind: 'compose', times: 1, ...requests.likeliest }, Composed)).codes,
});

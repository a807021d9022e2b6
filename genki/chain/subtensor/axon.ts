import * as z from 'zod';
import type { Axon } from '../chain.ts';
import { ipText } from '../ip.ts';
import { Rao, U16, Whole } from './values.ts';

/** As the runtime keeps it: the address is one integer, four bytes or sixteen. */
export const RawAxon = z.object({ block: Whole, version: Whole, ip: Rao, port: U16, ipType: z.int(), protocol: z.int() });

/** null for one that was never said, for which the runtime's own view has zeros, and for what is no address. */
export function axonOf(raw: z.infer<typeof RawAxon> | null): Axon | null {
  if (raw === null || raw.block === 0 || (raw.ipType !== 4 && raw.ipType !== 6)) return null;
  const value = BigInt(raw.ip);
  if (value >= 1n << (raw.ipType === 4 ? 32n : 128n)) return null;
  return { ip: ipText({ type: raw.ipType, value }), port: raw.port, protocol: raw.protocol, version: raw.version, block: raw.block };
}

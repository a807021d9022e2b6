import * as z from 'zod';
import { isHotkey } from '../../../genki/chain/keys.ts';

export const Hex = z.string().regex(/^0x([0-9a-f]{2})*$/, 'expected 0x and lower-case hex');
export const Hash = z.string().regex(/^0x[0-9a-f]{64}$/, 'expected 0x and 64 hex digits');
/** The best block's where none is told. */
export const MaybeHash = Hash.optional();
/** Block numbers come as numbers or in hex. */
export const Count = z.union([z.int().min(0), z.string().regex(/^0x[0-9a-f]+$/).transform(Number)]);
export const Keys = z.array(Hex);
export const Address = z.string().refine(isHotkey, 'expected an address');

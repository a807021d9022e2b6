import * as z from 'zod';

/** An `ObjectRef` as a person or a file of this machine writes it; the store checks its names when it is used. */
export const Reference = z.strictObject({ bucket: z.string(), key: z.string(), sha256: z.hash('sha256'), bytes: z.int().nonnegative() });

/** The largest round report that is read. */
export const MAX_REPORT_BYTES = 16 * 2 ** 20;

import { fileURLToPath } from 'node:url';

/** The folder of the Dama that ships with the project. */
export const SHIPPED_DAMA = fileURLToPath(new URL('../dama/ruby-nano', import.meta.url));

import { readFileSync } from 'node:fs';

/** What test/goldens/make_keyfile_goldens.py wrote. */
export const KEYFILE = { password: 'correct horse battery', mnemonic: 'legal winner thank year wave sausage worth useful legal winner thank yellow', address: '5EHgWw2Af1pnoc7f1A8bfmM97W3DAYW8xr82RfhLL9oAabAe' } as const;

export const keyfile = (name: string): Buffer => readFileSync(new URL(`../../goldens/keyfiles/${name}`, import.meta.url));

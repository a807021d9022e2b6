import { readFileSync } from 'node:fs';
import { readMetadata } from '../../../../genki/chain/subtensor/metadata.ts';

/** Mainnet's, spec 424, as `state_getMetadata` at its block gives it. */
export const METADATA_424 = new URL('../../../goldens/chain/bittensor-finney-424.metadata.scale', import.meta.url);

export const finney = readMetadata(readFileSync(METADATA_424));

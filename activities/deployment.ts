import type { Competition } from '../genki/protocol/competition.ts';
import type { Dama } from '../genki/protocol/dama.ts';

/** What the participants of one network agree on. */
export type Deployment = {
  readonly competition: Competition;
  readonly competitionDigest: string;
  /** The owner's, hex; checked against the chain where a worker starts. */
  readonly competitionSignature?: string;
  /** The Dama that the competition began with. */
  readonly genesisDama: Dama;
  /** The chain's block time. */
  readonly blockMs: number;
  /** Where miners pass an adapter on: whose hub grants the leases and publishes the versions. */
  readonly hub?: { readonly hotkey: string };
};

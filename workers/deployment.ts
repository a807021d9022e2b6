import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import * as z from 'zod';
import type { Deployment } from '../activities/deployment.ts';
import { parseJson } from '../activities/parse-json.ts';
import type { Chain } from '../genki/chain/chain.ts';
import { verifySignature } from '../genki/chain/keys.ts';
import { ChainUnavailable, InvalidInput } from '../genki/errors.ts';
import { competitionDigest, isSignedBy, readCompetition } from '../genki/protocol/competition.ts';
import { Reference } from '../activities/reference.ts';

const File = z.strictObject({
  version: z.literal(1),
  competition: z.unknown(),
  /** The owner's over the competition. */
  signature: z.hex().length(128).optional(),
  genesisDama: z.strictObject({ digest: z.base64(), weights: Reference, config: Reference, tokenizer: Reference.optional() }),
  blockMs: z.int().positive(),
  /** Whose hub it is. */
  hub: z.strictObject({ hotkey: z.string().min(1) }).optional(),
});

export const deploymentFile = (home: string): string => join(home, 'deployment.json');

/**
 * What the participants of the network agree on, from `<home>/deployment.json`.
 * @throws {InvalidInput} when it is missing or not as it should be
 */
export async function readDeployment(home: string): Promise<Deployment> {
  const file = deploymentFile(home);
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new InvalidInput(`Expected the network's agreement in ${file}`, { cause });
  });
  const parsed = File.safeParse(parseJson(text));
  if (!parsed.success) throw new InvalidInput(`Expected the network's agreement in ${file}:\n${z.prettifyError(parsed.error)}`);
  const { competition, signature, genesisDama, blockMs, hub } = parsed.data;
  const read = readCompetition(competition);
  return { competition: read, competitionDigest: competitionDigest(read), ...(signature !== undefined && { competitionSignature: signature }), genesisDama, blockMs, ...(hub && { hub }) };
}

/** How long to wait before a chain that does not answer is asked again. */
const ASK_AGAIN_MS = 500;

/**
 * Makes sure that the competition is the one which the subnet's owner has signed (protocol §1.6c); waits for the chain.
 * @throws {InvalidInput} when it is not
 */
export async function checkOwner({ competition, competitionSignature: signature }: Deployment, chain: Chain): Promise<void> {
  const { id, netuid } = competition;
  const owner = await ownerOf(chain, netuid);
  if (signature === undefined) throw new InvalidInput(`Expected the competition ${id} signed by ${owner}, the owner of subnet ${netuid}, got it without a signature`);
  if (!isSignedBy(competition, { signature, owner }, verifySignature)) throw new InvalidInput(`Expected the competition ${id} signed by ${owner}, the owner of subnet ${netuid}, got another one's signature`);
}

async function ownerOf(chain: Chain, netuid: number): Promise<string> {
  for (;;) {
    try {
      return (await chain.metagraph(netuid, (await chain.head()).hash)).owner;
    } catch (error) {
      if (!(error instanceof ChainUnavailable)) throw error;
      await wait(ASK_AGAIN_MS);
    }
  }
}

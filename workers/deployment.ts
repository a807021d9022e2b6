import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import type { Deployment } from '../activities/deployment.ts';
import { parseJson } from '../activities/parse-json.ts';
import { InvalidInput } from '../genki/errors.ts';
import { competitionDigest, readCompetition } from '../genki/protocol/competition.ts';
import { Reference } from '../activities/reference.ts';

const File = z.strictObject({
  version: z.literal(1),
  competition: z.unknown(),
  genesisDama: z.strictObject({ digest: z.base64(), weights: Reference, config: Reference }),
  blockMs: z.int().positive(),
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
  const { competition, genesisDama, blockMs } = parsed.data;
  const read = readCompetition(competition);
  return { competition: read, competitionDigest: competitionDigest(read), genesisDama, blockMs };
}

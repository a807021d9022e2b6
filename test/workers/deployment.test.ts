import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createSigner } from '../../genki/chain/keys.ts';
import { ChainUnavailable, InvalidInput, NewerSchema } from '../../genki/errors.ts';
import { competitionDigest, signCompetition, type Competition } from '../../genki/protocol/competition.ts';
import { RUBY } from '../../genki/protocol/ruby.ts';
import { checkOwner, deploymentFile, readDeployment } from '../../workers/deployment.ts';
import { openStreet } from '../activities/support/federation.ts';
import { owner } from '../genki/chain/support.ts';

const home = mkdtempSync(join(tmpdir(), 'genki-deployment-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

const ref = { bucket: 'hub', key: 'dama', sha256: 'a'.repeat(64), bytes: 10 };
const genesisDama = { digest: Buffer.alloc(32).toString('base64'), weights: ref, config: ref };
const file = { version: 1, competition: RUBY, genesisDama, blockMs: 250 };

describe('the network’s agreement', () => {
  it('is read back, with the competition’s digest', async () => {
    writeFileSync(deploymentFile(home), JSON.stringify(file));
    expect(await readDeployment(home)).toEqual({ competition: RUBY, competitionDigest: competitionDigest(RUBY), genesisDama, blockMs: 250 });
    const signature = signCompetition(RUBY, owner);
    writeFileSync(deploymentFile(home), JSON.stringify({ ...file, signature }));
    expect(await readDeployment(home)).toMatchObject({ competitionSignature: signature });
    writeFileSync(deploymentFile(home), JSON.stringify({ ...file, hub: { hotkey: owner.hotkey } }));
    expect(await readDeployment(home)).toMatchObject({ hub: { hotkey: owner.hotkey } });
  });

  it('is that of the subnet’s owner, or no worker starts with it', async () => {
    const street = await openStreet({ validators: [], miners: [] });
    try {
      const other = createSigner('//somebody');
      // a chain that starts at the same time does not answer at first
      let attempts = 0;
      const agreed = async (competition: Competition, signature?: string): Promise<void> => {
        writeFileSync(deploymentFile(home), JSON.stringify({ ...file, competition, signature }));
        const chain = { ...street.chain, head: () => (attempts++ === 0 ? Promise.reject(new ChainUnavailable('not yet')) : street.chain.head()) };
        await checkOwner(await readDeployment(home), chain);
      };
      await expect(agreed(RUBY, signCompetition(RUBY, owner))).resolves.toBeUndefined();
      await expect(agreed(RUBY)).rejects.toThrow(`Expected the competition rn signed by ${owner.hotkey}, the owner of subnet 1, got it without a signature`);
      await expect(agreed(RUBY, signCompetition(RUBY, other))).rejects.toThrow("got another one's signature");
      await expect(agreed({ ...RUBY, scales: [1] }, signCompetition(RUBY, owner))).rejects.toThrow(InvalidInput);
    } finally {
      await street.stop();
    }
  });

  it('is named when there is none', async () => {
    await expect(readDeployment(join(home, 'nowhere'))).rejects.toThrow(`Expected the network's agreement in ${deploymentFile(join(home, 'nowhere'))}`);
  });

  it.each<[string, unknown, string]>([
    ['no JSON', '{', 'expected object'],
    ['another version', { ...file, version: 2 }, '→ at version'],
    ['blocks without duration', { ...file, blockMs: 0 }, '→ at blockMs'],
    ['an unknown key', { ...file, owner: 'x' }, 'Unrecognized key: "owner"'],
    ['a Dama without a digest of its file', { ...file, genesisDama: { ...genesisDama, weights: { ...ref, sha256: 'x' } } }, '→ at genesisDama.weights.sha256'],
    ['a competition that is not as it should be', { ...file, competition: { ...RUBY, id: 'too-long-a-name' } }, '→ at id'],
    ['a signature that is none', { ...file, signature: '00' }, '→ at signature'],
    ['no competition', { ...file, competition: undefined }, '→ at competition'],
  ])('with %s is refused', async (_, value, reason) => {
    writeFileSync(deploymentFile(home), typeof value === 'string' ? value : JSON.stringify(value));
    const error = await readDeployment(home).then(() => expect.unreachable('it was taken'), (thrown: unknown) => thrown as Error);
    expect(error).toBeInstanceOf(InvalidInput);
    expect(error.message).toContain(reason);
  });

  it('of a newer competition asks for newer software', async () => {
    writeFileSync(deploymentFile(home), JSON.stringify({ ...file, competition: { version: 2 } }));
    await expect(readDeployment(home)).rejects.toThrow(NewerSchema);
  });
});

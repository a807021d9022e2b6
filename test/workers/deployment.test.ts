import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { InvalidInput, NewerSchema } from '../../genki/errors.ts';
import { competitionDigest } from '../../genki/protocol/competition.ts';
import { RUBY } from '../../genki/protocol/ruby.ts';
import { deploymentFile, readDeployment } from '../../workers/deployment.ts';

const home = mkdtempSync(join(tmpdir(), 'genki-deployment-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

const ref = { bucket: 'hub', key: 'dama', sha256: 'a'.repeat(64), bytes: 10 };
const genesisDama = { digest: Buffer.alloc(32).toString('base64'), weights: ref, config: ref };
const file = { version: 1, competition: RUBY, genesisDama, blockMs: 250 };

describe('the network’s agreement', () => {
  it('is read back, with the competition’s digest', async () => {
    writeFileSync(deploymentFile(home), JSON.stringify(file));
    expect(await readDeployment(home)).toEqual({ competition: RUBY, competitionDigest: competitionDigest(RUBY), genesisDama, blockMs: 250 });
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

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { participantOf, participantsFile, readParticipants, type Participant } from '../../activities/participants.ts';
import { InvalidInput } from '../../genki/errors.ts';

const home = mkdtempSync(join(tmpdir(), 'genki-participants-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

const person = (name: string, role: Participant['role']): Participant => ({ name, role, hotkey: `5${name}`, bucket: name, privateBucket: `${name}-private` });
const people = [person('anna', 'miner'), person('ben', 'miner'), person('vera', 'validator')];

describe('the participants file', () => {
  it('is read back', async () => {
    writeFileSync(participantsFile(home), JSON.stringify({ version: 1, participants: people }));
    expect(await readParticipants(home)).toEqual(people);
  });

  it('is named when there is none', async () => {
    const nowhere = join(home, 'nowhere');
    await expect(readParticipants(nowhere)).rejects.toThrow(InvalidInput);
    await expect(readParticipants(nowhere)).rejects.toThrow(`Expected the participants of this machine in ${participantsFile(nowhere)}`);
  });

  it.each<[string, string]>([
    ['', 'expected object'],
    ['{"version":1,', 'expected object'],
    [JSON.stringify({ version: 2, participants: people }), '→ at version'],
    [JSON.stringify({ version: 1, participants: [] }), '→ at participants'],
    [JSON.stringify({ version: 1, participants: [{ ...people[0], secret: 'hush' }] }), 'Unrecognized key: "secret"'],
    [JSON.stringify({ version: 1, participants: [{ ...people[0], role: 'king' }] }), '→ at participants[0].role'],
  ])('is refused as %s', async (text, reason) => {
    writeFileSync(participantsFile(home), text);
    const error = await readParticipants(home).then(() => expect.unreachable('it was taken'), (thrown: unknown) => thrown as Error);
    expect(error).toBeInstanceOf(InvalidInput);
    expect(error.message).toContain(participantsFile(home));
    expect(error.message).toContain(reason);
    expect(error.message).not.toContain('hush');
  });
});

describe('who is meant', () => {
  it('is the first one of the role, or the one named', () => {
    expect(participantOf(people, 'miner', undefined).name).toBe('anna');
    expect(participantOf(people, 'miner', 'ben').name).toBe('ben');
    expect(participantOf(people, 'miner', '5ben').name).toBe('ben');
    expect(participantOf(people, 'validator', undefined).name).toBe('vera');
  });

  it('is nobody in another role, and the message says who there is', () => {
    expect(() => participantOf(people, 'miner', 'vera')).toThrow('Expected a miner of this machine (anna, ben), got vera');
    expect(() => participantOf([], 'miner', undefined)).toThrow('Expected a miner of this machine (there is none), got no name');
  });
});

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { participantsFile, readParticipants } from '../../../activities/participants.ts';
import { createSigner, verifySignature } from '../../../genki/chain/keys.ts';
import { BadSubmission, InvalidInput, NewerSchema } from '../../../genki/errors.ts';
import { competitionDigest } from '../../../genki/protocol/competition.ts';
import { RUBY } from '../../../genki/protocol/ruby.ts';
import { contentOf, openKeyFile, seal, SECRET_BYTES, signKeyFile, unseal } from '../../../genki/protocol/sealing.ts';
import { deploymentFile, readDeployment } from '../../../workers/deployment.ts';
import { addressOf } from '../../../workers/keystore.ts';
import { readSettings } from '../../../workers/settings.ts';
import { parseKeystore } from '../../../workers/wallets.ts';
import { accepted, acceptedLater, holds, type Target } from '../target.ts';
import { json, mutatedJson } from './texts.ts';

const KiB = 2 ** 10;
const mutate = mutatedJson(64 * KiB);
const REF = { bucket: 'miner-1', key: 'a/b', sha256: 'ab'.repeat(32), bytes: 10 };

const PEOPLE = { version: 1, participants: [
  { name: 'anna', role: 'miner', hotkey: '5anna', bucket: 'anna', privateBucket: 'anna-private', dataset: { name: 'songs', licence: 'CC0-1.0', sharing: 'private', digest: 'x', clips: 3, ref: REF } },
  { name: 'vera', role: 'validator', hotkey: '5vera', bucket: 'vera', privateBucket: 'vera-private' },
] };
const DEPLOYMENT = { version: 1, competition: RUBY, genesisDama: { digest: 'YQ==', weights: REF, config: REF }, blockMs: 250 };
const NETWORK = { temporal: '127.0.0.1:7233', namespace: 'default', ui: 'http://127.0.0.1:8233', chain: 'http://127.0.0.1:9944' };
const WALLET = {
  encoded: Buffer.alloc(200, 7).toString('base64'), encoding: { content: ['pkcs8', 'sr25519'], type: ['scrypt', 'xsalsa20-poly1305'], version: '3' },
  address: createSigner('//miner-1').hotkey, meta: { name: 'miner-1' },
};

/** The files of this machine: a person may write anything into them. */
export function fileTargets(folder: string): readonly Target[] {
  const home = join(folder, 'home');
  mkdirSync(home, { recursive: true });
  const target = (name: string, value: object, check: Target['check']): Target => ({ name, weight: 3, maxBytes: 256 * KiB, valid: [json(value)], mutate, check });
  return [
    target('participants', PEOPLE, async (bytes) => {
      writeFileSync(participantsFile(home), bytes);
      const read = await acceptedLater([InvalidInput], () => readParticipants(home));
      if (read === undefined) return 'refused';
      holds(read.length > 0 && read.every(({ name, hotkey }) => name !== '' && hotkey !== ''), 'somebody with a name and a hotkey');
      return 'accepted';
    }),
    target('deployment', DEPLOYMENT, async (bytes) => {
      writeFileSync(deploymentFile(home), bytes);
      const read = await acceptedLater([InvalidInput, NewerSchema], () => readDeployment(home));
      if (read === undefined) return 'refused';
      holds(read.competitionDigest === competitionDigest(read.competition), 'the digest of its competition');
      return 'accepted';
    }),
    target('network', NETWORK, (bytes) => {
      writeFileSync(join(home, 'network.json'), bytes);
      const read = accepted([InvalidInput], () => readSettings({ GENKI_HOME: home }));
      if (read === undefined) return 'refused';
      holds(URL.canParse(read.network.chain) && read.network.temporal !== '', 'addresses');
      return 'accepted';
    }),
    target('wallet', WALLET, (bytes) => {
      const read = accepted([InvalidInput], () => parseKeystore(new TextDecoder().decode(bytes), 'wallet.json'));
      if (read === undefined) return 'refused';
      holds(addressOf(read) !== undefined, 'an address');
      return 'accepted';
    }),
    ...sealedTargets(),
  ];
}

function sealedTargets(): readonly Target[] {
  const signer = createSigner('//miner-1');
  const secret = new Uint8Array(SECRET_BYTES).fill(3);
  const content = new TextEncoder().encode('an adapter');
  const owner = { hotkey: signer.hotkey, competition: 'digest' };
  const sealed = seal(content, secret, owner);
  const commit = 'ab'.repeat(20);
  const keyFile = signKeyFile({ manifest: commit, secret }, signer);
  return [
    {
      name: 'sealed-file', weight: 3, maxBytes: 64 * KiB, valid: [sealed],
      check: (bytes) => {
        const read = accepted([BadSubmission, NewerSchema], () => unseal(bytes, secret.subarray(0, 32), { ...owner, content: contentOf(content) }));
        if (read === undefined) return 'refused';
        holds(Buffer.compare(bytes, sealed) === 0 && Buffer.compare(read, content) === 0, 'the file that was sealed, byte for byte');
        return 'accepted';
      },
    },
    {
      name: 'key-file', weight: 3, maxBytes: 64 * KiB, valid: [keyFile], mutate,
      check: (bytes) => {
        const read = accepted([BadSubmission, NewerSchema], () => openKeyFile(bytes, { hotkey: signer.hotkey, manifest: commit }, verifySignature));
        if (read === undefined) return 'refused';
        holds(Buffer.compare(bytes, keyFile) === 0 && Buffer.compare(read, secret.subarray(0, 32)) === 0, 'the file that was signed, byte for byte');
        return 'accepted';
      },
    },
  ];
}

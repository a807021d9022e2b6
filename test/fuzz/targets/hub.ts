import { createSigner, verifySignature } from '../../../genki/chain/keys.ts';
import { NONCE_KEPT_MS, openHubRequest, signHubRequest } from '../../../genki/protocol/hub-request.ts';
import { fileDigest } from '../../../genki/protocol/digests.ts';
import type { HubQuestion } from '../../../genki/protocol/hub.ts';
import { SeenNonces } from '../../../genki/protocol/seen-nonces.ts';
import { holds, type Target } from '../target.ts';
import { mutatedJson } from './texts.ts';

const KiB = 2 ** 10;
const NOW = 1_800_000_000_000;
const [miner, hub] = [createSigner('//miner-1'), createSigner('//hub')];
const signed = (question: HubQuestion, seed: number): Uint8Array => signHubRequest(question, { audience: hub.hotkey, nonce: new Uint8Array(16).fill(seed), now: NOW }, miner).bytes;
const REQUESTS = [
  signed({ action: 'request', adapterId: 'rr' }, 1),
  signed({ action: 'renew', adapterId: 'rr', fence: 7 }, 2),
  signed({ action: 'push', adapterId: 'rr', fence: 7, parent: 6, adapter: { bucket: 'miner-1', key: 'relay/rr/7/a', sha256: 'ab'.repeat(32), bytes: 10 } }, 3),
];
const SIGNED = new Set(REQUESTS.map(fileDigest));
const CONTEXT = { audience: hub.hotkey, now: NOW, openedAt: 0, isRegistered: () => true, verify: verifySignature };

/** What anybody may send to a hub's door: only what was signed is taken, byte for byte, once. */
const request: Target = {
  name: 'hub-request',
  weight: 6,
  maxBytes: 20 * KiB,
  valid: REQUESTS,
  mutate: mutatedJson(20 * KiB),
  check: (bytes) => {
    const seen = new SeenNonces({ keepMs: NONCE_KEPT_MS, perOwner: 4, inAll: 4 });
    const opened = openHubRequest(bytes, CONTEXT, seen);
    if (opened.kind === 'refused') {
      holds(opened.message.startsWith('Expected ') && seen.size === 0, 'a refusal that says what was expected, and leaves no trace');
      return 'refused';
    }
    holds(SIGNED.has(fileDigest(bytes)), 'a request that was signed, byte for byte');
    const again = openHubRequest(bytes, CONTEXT, seen);
    holds(again.kind === 'refused' && again.refusal === 'replayed', 'the same request only once');
    return 'accepted';
  },
};

export const hubTargets: readonly Target[] = [request];

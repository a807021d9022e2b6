import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { RoundPlan, Submission } from '../../../activities/round.ts';
import type { Signer } from '../../../genki/chain/chain.ts';
import { canonicalJson } from '../../../genki/protocol/canonical-json.ts';
import { encodeCommitRecord, type CommitRecord } from '../../../genki/protocol/commit-record.ts';
import { competitionDigest } from '../../../genki/protocol/competition.ts';
import { sha256Hex } from '../../../genki/protocol/digests.ts';
import { manifestCommit, manifestHash, manifestKey, type AdapterManifest } from '../../../genki/protocol/manifest.ts';
import { contentOf, keyFileOf, seal, SECRET_BYTES, signKeyFile, type Owner } from '../../../genki/protocol/sealing.ts';
import { adapterFile, bytesOf, competition, type Actor, type Shelf } from './federation.ts';

/** How a miner departs from what is honest; every part is what an honest one does, unless told. */
export type HandIn = {
  readonly by: Actor;
  /** The adapter, named truly in the manifest. */
  readonly adapter?: Uint8Array;
  /** The file that it is sealed in, named truly in the manifest. */
  readonly sealed?: (honest: Uint8Array, by: Actor) => Uint8Array;
  /** What lies in the store instead of it; undefined: nothing. */
  readonly sealedLies?: (honest: Uint8Array) => Uint8Array | undefined;
  /** What is signed. */
  readonly body?: (honest: AdapterManifest) => unknown;
  readonly signer?: Signer;
  /** The manifest's file, named truly in the record. */
  readonly manifest?: (honest: Uint8Array) => Uint8Array;
  /** What lies in the store instead of it; undefined: nothing. */
  readonly manifestLies?: (honest: Uint8Array) => Uint8Array | undefined;
  readonly record?: (honest: CommitRecord) => CommitRecord;
  /** The key's file that is published; undefined: none. */
  readonly key?: (honest: Uint8Array, commit: string, by: Actor) => Uint8Array | undefined;
};

/** Uploads, commits and opens; the store takes anything under any name, as a miner's own bucket does. */
export function handIn({ root, deployment }: Shelf, { by, adapter = adapterFile(by.name), signer = by, ...change }: HandIn): Submission {
  const sealed = (change.sealed ?? same)(seal(adapter, secretOf(by), ownerOf(by)), by);
  const sha256 = sha256Hex(sealed);
  const key = `adapters/${sha256}.sealed`;
  const honest: AdapterManifest = {
    version: 1,
    kind: 'adapter',
    run: 'run',
    competition: deployment.competitionDigest,
    hotkey: by.hotkey,
    base: deployment.genesisDama.digest,
    window: 0,
    files: [{ name: 'adapter_model.safetensors', ref: { bucket: by.bucket, key, sha256, bytes: sealed.byteLength }, content: contentOf(adapter) }],
  };
  const body = change.body?.(honest) ?? honest;
  const manifest = (change.manifest ?? same)(signedByHand(body, signer));
  const commit = manifestCommit(manifest);
  const record: CommitRecord = { namespace: 'local', name: by.bucket, commit, hash: manifestHash(manifest, { ...honest, ...(body as Partial<AdapterManifest>) }), competition: deployment.competition.id };
  lay(root, `${by.bucket}/${key}`, (change.sealedLies ?? same)(sealed));
  lay(root, `${by.bucket}/${manifestKey(manifest)}`, (change.manifestLies ?? same)(manifest));
  lay(root, `${by.bucket}/${keyFileOf(commit)}`, (change.key ?? same)(signKeyFile({ manifest: commit, secret: secretOf(by) }, by), commit, by));
  return committed(by, encodeCommitRecord((change.record ?? same)(record)));
}

/** What somebody seals with; everybody hands in one thing. */
export const secretOf = ({ hotkey }: Signer): Uint8Array => Buffer.from(sha256Hex(bytesOf(hotkey)).repeat(2), 'hex').subarray(0, SECRET_BYTES);

export const ownerOf = ({ hotkey }: Signer): Owner => ({ hotkey, competition: competitionDigest(competition) });

export const committed = ({ hotkey }: Signer, data: string, commitBlock = 4): Submission => ({ hotkey, registeredAt: 0, commitBlock, commitIndex: 0, data });

/** A file signed by whoever, whatever it says. */
export function signedByHand(body: unknown, signer: Signer, domain = 'genki-manifest-v1:'): Uint8Array {
  return bytesOf(canonicalJson({ body, signature: Buffer.from(signer.sign(bytesOf(domain + canonicalJson(body)))).toString('hex') }));
}

/** Puts bytes under a name behind the store's back. */
export function lay(root: string, name: string, bytes: Uint8Array | undefined): void {
  if (!bytes) return;
  const file = join(root, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, bytes);
}

/** The part of a round that fetching looks at. */
export function roundOf({ deployment }: Shelf, validator: Actor): RoundPlan {
  const { competition, competitionDigest, genesisDama } = deployment;
  return {
    hotkey: validator.hotkey,
    netuid: competition.netuid,
    epoch: 0,
    competition: { id: competition.id, digest: competitionDigest },
    snapshot: { number: 8, hash: `0x${'0'.repeat(64)}` },
    seeds: {},
    base: genesisDama,
    parts: { A: NO_PART, B: NO_PART, C: NO_PART },
    prompts: [],
    generation: { seed: '', guidance: 1, temperature: 1, topK: 64 },
    frames: competition.music.frames,
    frameRate: competition.music.frameRate,
    lora: competition.lora,
    scales: competition.scales,
    thresholds: competition.thresholds,
    policy: competition.policy,
    overTime: competition.overTime,
    shapley: competition.shapley,
    past: { scores: null, leader: null, ledger: null },
    bucket: validator.bucket,
    privateBucket: validator.privateBucket,
    prefix: 'rounds/1/000000-00000000',
    dryRun: true,
    deadlineMs: 60_000,
  };
}

const NO_PART = { clips: {}, seed: '', floors: {}, guards: [] };
const same = <T>(value: T): T => value;

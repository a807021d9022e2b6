import { existsSync } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { standingsAt, type Standing } from '../../activities/current-dama.ts';
import { parseJson } from '../../activities/parse-json.ts';
import { MAX_REPORT_BYTES } from '../../activities/reference.ts';
import { faultOf, InvalidInput } from '../../genki/errors.ts';
import { parseReport } from '../../genki/evaluation/parse-report.ts';
import { isOfWindows, parseWindowsReport } from '../../genki/evaluation/parse-windows-report.ts';
import type { RoundReport } from '../../genki/evaluation/round-report.ts';
import type { WindowsReport } from '../../genki/evaluation/windows-report.ts';
import { sha256Hex } from '../../genki/protocol/digests.ts';
import { boundedRead } from '../../genki/store/bounded-read.ts';
import { isBucketName, isObjectKey } from '../../genki/store/object-name.ts';
import type { Known } from './network.ts';

/** A report, and as much as is known of who made it. */
export type FoundOf<Report> = {
  readonly report: Report;
  readonly name: string;
  readonly sha256: string;
  /** Where its objects lie. */
  readonly bucket?: string;
  /** The validator that it belongs to. */
  readonly hotkey?: string;
  /** Whether that validator stands for this very report now. */
  readonly stands: boolean;
};

export type Found = FoundOf<RoundReport> | FoundOf<WindowsReport>;

export const isFoundOfWindows = (found: Found): found is FoundOf<WindowsReport> => isOfWindows(found.report);

type Read = { readonly bytes: Uint8Array; readonly name: string; readonly bucket?: string };

/**
 * The report that is meant, checked in shape.
 * @param target a file, or bucket/key of the network's store; default: the newest that a validator stands for, or that
 *   one of this machine's has kept
 * @throws {InvalidInput} when there is none, or it is no report
 */
export async function findReport(target: string | undefined, known: Known | undefined): Promise<Found> {
  const standings = await standingsOf(known);
  const { bytes, name, bucket } = target === undefined ? await newest(known, standings) : await named(target, known);
  const json = parseJson(bytes);
  const sha256 = sha256Hex(bytes);
  const signer = standings.find(({ manifest }) => manifest.report.sha256 === sha256 && (bucket === undefined || manifest.report.bucket === bucket));
  const owner = signer ?? standings.find(({ manifest }) => manifest.report.bucket === bucket);
  const place = bucket ?? signer?.manifest.report.bucket;
  const about = { name, sha256, ...(place !== undefined && { bucket: place }), ...(owner && { hotkey: owner.hotkey }), stands: signer !== undefined };
  return isOfWindows(json) ? { report: parseWindowsReport(json), ...about } : { report: parseReport(json), ...about };
}

async function standingsOf(known: Known | undefined): Promise<Standing[]> {
  if (!known?.chain) return [];
  const { store, deployment, chain: { chain, head } } = known;
  const standings = await standingsAt({ store, deployment, chain }, await chain.metagraph(deployment.competition.netuid, head.hash));
  return standings.sort((a, b) => b.manifest.epoch - a.manifest.epoch || (a.stake < b.stake ? 1 : -1));
}

async function named(target: string, known: Known | undefined): Promise<Read> {
  if (existsSync(target)) return { bytes: await fileBytes(target), name: target };
  const [bucket = '', ...rest] = target.split('/');
  const key = rest.join('/');
  if (!isBucketName(bucket) || !isObjectKey(key)) throw new InvalidInput(`Expected a report's file, or bucket/key of the network's store, got ${JSON.stringify(target.slice(0, 200))}`);
  if (!known) throw new InvalidInput(`Expected a report's file, there is none ${target}; and no network here whose store it could be in`);
  return { bytes: await known.store.getByKey(bucket, key, { maxBytes: MAX_REPORT_BYTES }), name: target, bucket };
}

async function fileBytes(path: string): Promise<Uint8Array> {
  // a pipe would be waited for
  if (!(await stat(path)).isFile()) throw new InvalidInput(`Expected a report's file, got what is no regular file, ${path}`);
  const file = await open(path);
  try {
    return await boundedRead(file, path, { maxBytes: MAX_REPORT_BYTES });
  } finally {
    await file.close();
  }
}

/** Of several, the first that can be had. */
async function newest(known: Known | undefined, standings: readonly Standing[]): Promise<Read> {
  if (!known) throw new InvalidInput('Expected a report\'s file, or a network whose newest report to verify, got neither; name a file, or a home by GENKI_HOME');
  const refs = standings.length > 0 ? standings.map(({ manifest }) => manifest.report) : await keptReports(known);
  for (const { bucket, key } of refs) {
    try {
      return { bytes: await known.store.getByKey(bucket, key, { maxBytes: MAX_REPORT_BYTES }), name: `${bucket}/${key}`, bucket };
    } catch (error) {
      if (!faultOf(error)) throw error;
    }
  }
  throw new InvalidInput('Expected a report, no validator has made one yet; start a round with: npm run genki -- round start');
}

const REPORT = /^rounds\/\d+\/(?:(\d{6,})-[0-9a-f]{8}\/report|(\d+)\/windows)-[0-9a-f]{16}\.json$/;

/** Those of this machine's validators, the newest first. */
async function keptReports({ store, participants }: Known): Promise<{ bucket: string; key: string }[]> {
  const kept: { bucket: string; key: string; epoch: number }[] = [];
  for (const { role, bucket } of participants) {
    if (role !== 'validator') continue;
    for await (const key of store.list(bucket, 'rounds/')) {
      const [, ofRound, ofWindows] = REPORT.exec(key) ?? [];
      const epoch = ofRound ?? ofWindows;
      if (epoch !== undefined) kept.push({ bucket, key, epoch: Number(epoch) });
    }
  }
  return kept.sort((a, b) => b.epoch - a.epoch || (a.key < b.key ? 1 : -1));
}

import type { Runner } from '../activities/delta-run.ts';
import { delta, objects, wallet } from './steps.ts';
import { submitterOf } from './submit-once.ts';

/** Says on the chain, once for all windows, in which bucket a hotkey publishes; why it cannot, where the chain refuses. */
export async function recordRun({ hotkey, netuid, bucket, privateBucket }: Runner): Promise<string | undefined> {
  const run = await delta.runRecord.executeWithOptions({ summary: 'is the run on the chain?' }, [{ hotkey, netuid, bucket, privateBucket }]);
  if (run.kind === 'on-chain') return undefined;
  const text = run.kind === 'signed' ? run.text : await delta.keepRun.executeWithOptions({ summary: 'keep the signed run' }, [{ privateBucket, text: await wallet(hotkey).signManifest.executeWithOptions({ summary: 'sign the run' }, [run.body]) }]);
  const { manifest, record } = await objects.publishManifest.executeWithOptions({ summary: `publish manifest · ${bucket}` }, [{ bucket, text }]);
  const landed = await submitterOf(hotkey)({ key: `commitment/${netuid}/${manifest.sha256}/${run.replaces}`, effect: { kind: 'commitment', netuid, data: record } });
  return landed.kind === 'landed' ? undefined : `${landed.code}: ${landed.message}`;
}

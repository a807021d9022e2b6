import { getExternalWorkflowHandle, setCurrentDetails } from '@temporalio/workflow';
import type { BaseRollbackInput } from '../activities/pretraining.ts';
import { relayName } from '../genki/protocol/relay.ts';
import { checkName } from './pretrain-base.ts';
import { merged } from './relay-adapter.ts';
import { baseWallet, gathering } from './steps.ts';

export type BaseRollbackOutcome = { readonly kind: 'published'; /** of the base */ readonly sequence: number; readonly rolledBackTo: number; readonly digest: string };

/** An earlier base as the newest one, under the next number; nothing is taken back. */
export async function rollBackBase(input: BaseRollbackInput = {}): Promise<BaseRollbackOutcome> {
  const { bucket, record: body } = await gathering.draftBaseRollback.executeWithOptions({ summary: 'the newest base, and the one before' }, [input]);
  const { hotkey: hub, adapterId, sequence, dama } = body;
  checkName(adapterId);
  const text = await baseWallet(hub).signBase.executeWithOptions({ summary: `sign base ${sequence}` }, [body]);
  await gathering.publishBase.executeWithOptions({ summary: `publish base ${sequence} in ${bucket}` }, [{ hub, text }]);
  // what waits to be trained again waits for the base that is rolled back: it goes into the next merge instead
  await getExternalWorkflowHandle(relayName(adapterId)).signal(merged, { adapters: [], again: [] }).catch(() => undefined);
  setCurrentDetails(`**published** · base ${sequence} of ${adapterId} is base ${body.rolledBackTo} again`);
  return { kind: 'published', sequence, rolledBackTo: body.rolledBackTo!, digest: dama.digest };
}

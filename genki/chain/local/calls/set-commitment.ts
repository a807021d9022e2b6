import type { CommitmentField } from '../../chain.ts';
import { check } from '../dispatch-error.ts';
import type { Genesis } from '../genesis.ts';
import { accountOf, withAccount, type State } from '../state.ts';
import type { CallOf, Origin } from './origin.ts';

/** The least that a commitment takes from its budget, in bytes. */
const MIN_SPACE = 100;

/** The state with the hotkey's commitment replaced, its bytes taken from the epoch's budget. */
export function setCommitment(state: State, genesis: Genesis, call: CallOf<'setCommitment'>, { signer, index }: Origin): State {
  checkSizes(genesis, call);
  check(call.netuid === genesis.netuid && state.uids.has(signer), 'AccountNotAllowedCommit', `Expected a hotkey registered in subnet ${call.netuid}`);
  const { space } = accountOf(state, signer);
  const before = space.epoch === state.epoch ? space.used : 0;
  const used = before + Math.max(MIN_SPACE, call.fields.reduce((sum, field) => sum + bytesOf(field), 0));
  check(used <= genesis.commitmentSpace, 'SpaceLimitExceeded', `Expected at most ${genesis.commitmentSpace} bytes in an epoch, got ${used}`);
  return withAccount(state, signer, { commitment: { block: state.number, index, fields: call.fields }, space: { epoch: state.epoch, used } });
}

/** On a real chain a longer raw field cannot even be encoded; the other kinds have one length each or their own limit in the encoding. */
export function checkSizes(genesis: Genesis, { fields }: CallOf<'setCommitment'>): void {
  for (const field of fields) {
    const fits = field.kind !== 'raw' || bytesOf(field) <= genesis.commitmentBytes;
    check(fits, 'CommitmentTooLong', `Expected at most ${genesis.commitmentBytes} bytes, got ${bytesOf(field)}`);
  }
}

const bytesOf = ({ data }: CommitmentField): number => data.length / 2;

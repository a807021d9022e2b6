import type { Hotkey } from '../../chain.ts';
import { weightsCommitHash } from '../../weights-commit.ts';
import { DispatchError, check } from '../dispatch-error.ts';
import type { Genesis } from '../genesis.ts';
import { epochIndex } from '../schedule.ts';
import { accountOf, withAccount, type HashCommit, type State } from '../state.ts';
import type { CallOf, Origin } from './origin.ts';
import { checkRateLimit, registeredUid, storeWeights } from './set-weights.ts';

/** Of one hotkey: hashes at a time, timelocked commits in an epoch. */
const MAX_OPEN_COMMITS = 10;

/** The state with a hash that the hotkey will reveal the weights of. */
export function commitWeights(state: State, genesis: Genesis, { netuid, hash }: CallOf<'commitWeights'>, { signer }: Origin): State {
  check(netuid === genesis.netuid, 'MechanismDoesNotExist', `Expected subnet ${genesis.netuid}, got ${netuid}`);
  checkEnabled(genesis);
  const uid = registeredUid(state, signer, netuid);
  checkRateLimit(state, genesis, signer, 'CommittingWeightsTooFast');
  const { open } = queueOf(state, genesis, signer);
  checkOpen(open.length);
  const hashCommits = [...open, { hash, epoch: state.epoch, block: state.number }];
  return updated(withAccount(state, signer, { hashCommits }), uid);
}

/** The state with committed weights set; the commit and all older ones are done with. */
export function revealWeights(state: State, genesis: Genesis, call: CallOf<'revealWeights'>, { signer }: Origin): State {
  checkEnabled(genesis);
  const { expired, open } = queueOf(state, genesis, signer);
  check(call.netuid === genesis.netuid && expired.length + open.length > 0, 'NoWeightsCommitFound', 'Expected an open commit, got none');
  const hash = weightsCommitHash({ hotkey: signer, ...call });
  const place = open.findIndex((commit) => commit.hash === hash);
  if (place < 0) throw notOpen(hash, expired, open);
  const due = revealEpoch(open[place]!, genesis);
  check(epochIndex(state, genesis) === due, 'RevealTooEarly', `Expected epoch ${due}, got ${state.epoch}`);
  return storeWeights(withAccount(state, signer, { hashCommits: open.slice(place + 1) }), genesis, call, signer);
}

/** The state with weights that the chain itself will reveal. */
export function commitTimelockedWeights(state: State, genesis: Genesis, call: CallOf<'commitTimelockedWeights'>, { signer }: Origin): State {
  const { netuid, version, revealRound: round, commit } = call;
  check(netuid === genesis.netuid, 'MechanismDoesNotExist', `Expected subnet ${genesis.netuid}, got ${netuid}`);
  checkEnabled(genesis);
  check(version === genesis.commitReveal.version, 'IncorrectCommitRevealVersion', `Expected version ${genesis.commitReveal.version}, got ${version}`);
  const uid = registeredUid(state, signer, netuid);
  checkRateLimit(state, genesis, signer, 'CommittingWeightsTooFast');
  checkOpen(state.timelocked.filter(({ hotkey, epoch }) => hotkey === signer && epoch === state.epoch).length);
  const timelocked = [...state.timelocked, { hotkey: signer, epoch: state.epoch, block: state.number, round, commit }];
  return updated({ ...state, timelocked }, uid);
}

/** What the pool refuses of a reveal. */
export function checkReveal(state: State, genesis: Genesis, call: CallOf<'revealWeights'>, signer: Hotkey): void {
  const hash = weightsCommitHash({ hotkey: signer, ...call });
  const commit = accountOf(state, signer).hashCommits.find((known) => known.hash === hash);
  check(commit !== undefined, 'NoWeightsCommitFound', 'Expected the weights of an open commit');
  const due = revealEpoch(commit, genesis);
  check(epochIndex(state, genesis) === due, 'RevealTooEarly', `Expected epoch ${due}, got ${epochIndex(state, genesis)}`);
}

/** What the pool refuses of a timelocked commit. */
export function checkRound(state: State, { revealRound }: CallOf<'commitTimelockedWeights'>): void {
  const last = state.pulses.at(-1)?.round ?? 0;
  check(revealRound >= last, 'InvalidRevealRound', `Expected a round from ${last}, got ${revealRound}`);
}

/** The epoch in which a commit is revealed. */
export const revealEpoch = ({ epoch }: { readonly epoch: number }, genesis: Genesis): number => epoch + genesis.commitReveal.periodEpochs;

/** True when a commit's epoch of revealing is over. */
export const isExpired = (commit: { readonly epoch: number }, state: State, genesis: Genesis): boolean => epochIndex(state, genesis) > revealEpoch(commit, genesis);

function queueOf(state: State, genesis: Genesis, hotkey: Hotkey): { expired: readonly HashCommit[]; open: readonly HashCommit[] } {
  const { hashCommits } = accountOf(state, hotkey);
  const firstOpen = hashCommits.findIndex((commit) => !isExpired(commit, state, genesis));
  const expired = firstOpen < 0 ? hashCommits.length : firstOpen;
  return { expired: hashCommits.slice(0, expired), open: hashCommits.slice(expired) };
}

function notOpen(hash: string, expired: readonly HashCommit[], open: readonly HashCommit[]): DispatchError {
  if (expired.some((commit) => commit.hash === hash)) return new DispatchError('ExpiredWeightCommit', 'Expected a commit whose epoch of revealing is not over');
  if (open.length === 0) return new DispatchError('NoWeightsCommitFound', 'Expected an open commit, got none');
  return new DispatchError('InvalidRevealCommitHashNotMatch', 'Expected the weights, salt and version key of an open commit');
}

const checkEnabled = (genesis: Genesis): void => check(genesis.commitReveal.enabled, 'CommitRevealDisabled', 'Expected weights in the open');

const checkOpen = (open: number): void => check(open < MAX_OPEN_COMMITS, 'TooManyUnrevealedCommits', `Expected fewer than ${MAX_OPEN_COMMITS} open commits, got ${open}`);

const updated = (state: State, uid: number): State => ({ ...state, neurons: state.neurons.with(uid, { ...state.neurons[uid]!, lastUpdate: state.number }) });

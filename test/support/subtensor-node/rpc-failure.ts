/** What a Substrate node answers instead of a result: JSON-RPC's code, message and data. */
export class RpcFailure extends Error {
  override readonly name = 'RpcFailure';
  readonly code: number;
  readonly data: string | undefined;
  constructor(code: number, message: string, data?: string) {
    super(message);
    this.code = code;
    this.data = data;
  }
}

export const methodNotFound = (): RpcFailure => new RpcFailure(-32601, 'Method not found');
export const invalidParams = (message: string): RpcFailure => new RpcFailure(-32602, 'Invalid params', message);

const STATE = 4003;
export const stateDiscarded = (hash: string): RpcFailure => new RpcFailure(STATE, `Client error: UnknownBlock: State already discarded for ${hash}`);
export const unknownBlock = (hash: string): RpcFailure => new RpcFailure(STATE, `Client error: UnknownBlock: Header was not found in the database: ${hash}`);
export const notExported = (method: string): RpcFailure => new RpcFailure(STATE, `Client error: Execution failed: Other: Exported method ${method} is not found`);

export const badFormat = (reason: string): RpcFailure => new RpcFailure(1001, `Extrinsic has invalid format: ${reason}`);
/** The runtime trapped: the bytes behind the length were none of its. */
export const verificationFailed = (): RpcFailure =>
  new RpcFailure(1002, 'Verification Error: Runtime error: Execution failed: Execution aborted due to trap: wasm trap: wasm `unreachable` instruction executed', 'RuntimeApi("Execution failed: Execution aborted due to trap: wasm trap: wasm `unreachable` instruction executed")');
export const temporarilyBanned = (): RpcFailure => new RpcFailure(1012, 'Transaction is temporarily banned');
export const alreadyImported = (hash: string): RpcFailure => new RpcFailure(1013, 'Transaction Already Imported', hash);

/** Why the runtime calls a transaction invalid, in Substrate's words. */
const INVALID: Readonly<Record<string, string>> = {
  Call: 'Transaction call is not expected',
  Stale: 'Transaction is outdated',
  Future: 'Transaction will be valid in the future',
  BadProof: 'Transaction has a bad signature',
  AncientBirthBlock: 'Transaction has an ancient birth block',
  Payment: 'Inability to pay some fees (e.g. account balance too low)',
};

/** What `SubtensorTransactionExtension` makes of the pallet's errors. */
const CUSTOM: Readonly<Record<string, number>> = {
  NotEnoughStakeToSetWeights: 1,
  NotEnoughBalanceToStake: 2,
  SubnetNotExists: 3,
  SettingWeightsTooFast: 6,
  CommittingWeightsTooFast: 6,
  HotKeyNotRegisteredInNetwork: 10,
  InvalidIpAddress: 11,
  ServingRateLimitExceeded: 12,
  InvalidPort: 13,
  InvalidRevealRound: 15,
  NoWeightsCommitFound: 16,
  RevealTooEarly: 17,
  HotKeyNotRegisteredInSubNet: 19,
};

/** The pool's answer for the name of what it refuses a transaction for. */
export function refused(code: string): RpcFailure {
  if (code === 'TooLowPriority') return new RpcFailure(1014, 'Priority is too low: (0 vs 0)', 'The transaction has too low priority to replace another transaction already in the pool.');
  if (code === 'ImmediatelyDropped') return new RpcFailure(1016, 'Immediately Dropped', "The transaction couldn't enter the pool because of the limit");
  return new RpcFailure(1010, 'Invalid Transaction', INVALID[code] ?? `Custom error: ${CUSTOM[code] ?? 255}`);
}

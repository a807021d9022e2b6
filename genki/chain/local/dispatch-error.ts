/** The runtime refuses a call; `code` is its own error name. */
export class DispatchError extends Error {
  override readonly name = 'DispatchError';
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** @throws {DispatchError} unless it holds */
export function check(holds: boolean, code: string, message: string): asserts holds {
  if (!holds) throw new DispatchError(code, message);
}

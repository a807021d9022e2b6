import { StoreUnavailable } from '../errors.ts';

/** The system's name for an error (`ENOENT`), or nothing. */
export function codeOf(error: unknown): string {
  const isSystem = error instanceof Error && 'errno' in error && 'code' in error;
  return isSystem ? String(error.code) : '';
}

/** Our own errors pass; what the file system cannot do now it may do later. */
export function rethrow(error: unknown): never {
  if (codeOf(error) === '') throw error;
  throw new StoreUnavailable(`The disk cannot do this now: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
}

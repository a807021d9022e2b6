import { WorkflowUpdateFailedError } from '@temporalio/client';

/** An Update that was refused fails as its reason does: final if that is. The SDK's wrapper around it would be tried again. */
export function rethrowCause(error: unknown): never {
  throw error instanceof WorkflowUpdateFailedError && error.cause ? error.cause : error;
}

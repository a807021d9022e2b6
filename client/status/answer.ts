/** What was asked for, or why nobody said so. */
export type Answer<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: string };

/** Nobody waits for longer than this on anything. */
export const PATIENCE_MS = 2000;

/** The answer to a question that is asked for 2 s at most; a later one is let go. */
export async function ask<T>(question: () => Promise<T>): Promise<Answer<T>> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Answer<T>>((resolve) => {
    timer = setTimeout(() => resolve({ ok: false, reason: `no answer within ${PATIENCE_MS / 1000} s` }), PATIENCE_MS);
  });
  const answer = question().then((value): Answer<T> => ({ ok: true, value }), (error: unknown): Answer<T> => ({ ok: false, reason: firstLine(error) }));
  return await Promise.race([answer, late]).finally(() => clearTimeout(timer));
}

/** What was said, or undefined. */
export const valueOf = <T>(answer: Answer<T> | undefined): T | undefined => (answer?.ok ? answer.value : undefined);

const firstLine = (error: unknown): string => (error instanceof Error ? error.message : String(error)).split('\n')[0]!;

import { faultOf } from '../genki/errors.ts';

/** What can be read; nothing where it is missing, too large or not what it should be. Anything else that is wrong rises. */
export async function unlessFaulty<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (!faultOf(error)) throw error;
    return undefined;
  }
}

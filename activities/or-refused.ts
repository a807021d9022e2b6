import { BadSubmission, faultOf } from '../genki/errors.ts';
import { plainText } from './plain-text.ts';

/** What the look gives, or what is wrong with what it looks at: a stranger's object. */
export async function orRefused<T>(look: () => Promise<T>): Promise<T | { readonly kind: 'refused'; readonly reason: string }> {
  try {
    return await look();
  } catch (error) {
    const fault = faultOf(error);
    if (!fault) throw error;
    const name = fault instanceof BadSubmission ? '' : `${fault.name}: `;
    return { kind: 'refused', reason: plainText(`${name}${fault.message}`) };
  }
}

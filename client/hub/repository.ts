import { InvalidInput } from '../../genki/errors.ts';

/** A repository on the hub, maybe at a revision. */
export type Repository = { readonly name: string; readonly revision?: string };

const PART = '[A-Za-z0-9](?:[\\w.-]{0,94}[\\w-])?';
const NAME = new RegExp(`^${PART}/${PART}$`);
const REVISION = /^[\w][\w./-]{0,127}$/;

/**
 * `owner/name`, or `owner/name@revision` with a commit, a branch or a tag.
 * @throws {InvalidInput} when the text is neither
 */
export function parseRepository(text: string): Repository {
  const [name = '', revision, ...more] = text.split('@');
  const isName = NAME.test(name) && !name.includes('..');
  const isRevision = revision === undefined || (REVISION.test(revision) && !revision.includes('..'));
  if (!isName || !isRevision || more.length > 0) throw new InvalidInput(`Expected a repository owner/name, or owner/name@revision, got ${text.slice(0, 200)}`);
  return { name, ...(revision !== undefined && { revision }) };
}

export const isCommit = (revision: string): boolean => /^[0-9a-f]{40}$/.test(revision);

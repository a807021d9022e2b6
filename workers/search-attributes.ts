import { setTimeout as wait } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import proto from '@temporalio/proto';
import { InvalidInput } from '../genki/errors.ts';
import { SEARCH_ATTRIBUTES } from '../workflows/search-attributes.ts';

const Type = proto.temporal.api.enums.v1.IndexedValueType;
type Type = (typeof Type)[keyof typeof Type];
const TYPES = { INT: Type.INDEXED_VALUE_TYPE_INT, KEYWORD: Type.INDEXED_VALUE_TYPE_KEYWORD } as const;

/** Of asking and registering, since workers that start at once may get in each other's way. */
const TRIES = 5;
/** Doubled each time. */
const BACKOFF_MS = 50;

/**
 * Makes sure that the namespace knows our attributes: a workflow that sets an unknown one, or one of another type, would
 * be tried for ever.
 * @throws {InvalidInput} naming the attributes that are of another type there
 * @throws {Error} naming those that the server does not take
 */
export async function registerSearchAttributes(address: string, namespace: string): Promise<void> {
  const connection = await Connection.connect({ address });
  try {
    let missing: string[] = [];
    let cause: unknown;
    for (let tried = 0; tried < TRIES; tried++) {
      if (tried > 1) await wait(BACKOFF_MS * 2 ** tried);
      const { customAttributes: known } = await connection.operatorService.listSearchAttributes({ namespace });
      missing = missingFrom(known, namespace);
      if (missing.length === 0) return;
      const searchAttributes = Object.fromEntries(SEARCH_ATTRIBUTES.filter(({ name }) => missing.includes(name)).map(({ name, type }) => [name, TYPES[type]]));
      await connection.operatorService.addSearchAttributes({ namespace, searchAttributes }).catch((error: unknown) => { cause = error; });
    }
    throw new Error(`Expected the namespace ${namespace} of ${address} to take the search attributes ${missing.join(', ')}${cause instanceof Error ? `: ${cause.message}` : ''}`, { cause });
  } finally {
    await connection.close();
  }
}

/** The server takes an attribute of another type without a word, and keeps the one that it has. */
function missingFrom(known: Readonly<Record<string, Type>>, namespace: string): string[] {
  const foreign = SEARCH_ATTRIBUTES.filter(({ name, type }) => known[name] !== undefined && known[name] !== TYPES[type]);
  if (foreign.length === 0) return SEARCH_ATTRIBUTES.filter(({ name }) => known[name] === undefined).map(({ name }) => name);
  const lines = foreign.map(({ name, type }) => `${name} to be of type ${nameOf(TYPES[type])}, got ${nameOf(known[name]!)}`);
  throw new InvalidInput(`Expected in the namespace ${namespace} the search attribute ${lines.join('; ')}. Give Genki a namespace of its own (TEMPORAL_NAMESPACE), or remove it: temporal operator search-attribute remove --name ${foreign[0]!.name}`);
}

/** `Int` */
function nameOf(type: Type): string {
  const name = Object.entries(Type).find(([, value]) => value === type)?.[0] ?? String(type);
  return name.replace('INDEXED_VALUE_TYPE_', '').toLowerCase().replace(/(^|_)(.)/g, (_, __, letter: string) => letter.toUpperCase());
}

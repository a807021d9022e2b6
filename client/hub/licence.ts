import { InvalidInput } from '../../genki/errors.ts';

/** What says in an SPDX or hub identifier that nobody may earn with it. */
const NON_COMMERCIAL = /(^|-)nc(-|$)|non-?commercial/i;

export const isNonCommercial = (licence: string): boolean => NON_COMMERCIAL.test(licence);

/** Of several, one that forbids pay. */
export const strictest = (licences: readonly string[]): string | undefined => licences.find(isNonCommercial) ?? licences[0];

/**
 * Taking part in a network is paid, so a model under a non-commercial licence is refused there, unless its user says by
 * the licence's name that they may.
 * @param accepted what the user named
 * @throws {InvalidInput} naming the licence and what to say
 */
export function checkPaidUse({ model, licence }: { model: string; licence: string | undefined }, accepted: string | undefined): void {
  if (licence === undefined || !isNonCommercial(licence) || accepted === licence) return;
  throw new InvalidInput(`Expected a model that may be used for pay, got ${model} under ${licence}, which forbids it; if you have another permission of its owner, say --accept-licence ${licence}`);
}

/** The `license:` of a model card's front matter, of several the one that forbids most; undefined where it says none. */
export function licenceOfCard(card: string): string | undefined {
  const [, head] = /^---\r?\n([\s\S]{0,65536}?)\r?\n---/.exec(card) ?? [];
  const [, value = ''] = /^license:([^\n]*(?:\n[ \t]*-[^\n]*)*)/m.exec(head ?? '') ?? [];
  const names = value.replace(/(^|\s)#.*$/gm, '').split(/[,[\]\n]/).map((name) => name.replace(/["']/g, '').replace(/^[\s-]+|\s+$/g, '').replace(/\s+/g, '-'));
  return strictest(names.filter((name) => /^[\w.+-]{1,64}$/.test(name)));
}

import { BadSubmission } from '../../errors.ts';
import { parsePattern } from './parse-pattern.ts';
import type { PatternNode, Place } from './pattern-node.ts';

/** More than a choice of modules needs. */
const LIMITS = { characters: 1000, states: 4000 } as const;

/** What a state counts that is made, since it is also kept: as if it were visited so often. */
const STEPS_PER_STATE = 8;

/** How many states may still be visited in matching, or made for it; patterns may share one. */
export type Steps = { left: number };

type State =
  | { readonly kind: 'character'; readonly has: (code: number) => boolean; readonly next: number }
  | { readonly kind: 'place'; readonly place: Place; readonly next: number }
  | { readonly kind: 'either'; readonly next: number[] }
  | { readonly kind: 'end' };

/**
 * A regular expression as Python's `re` reads it, for names in ASCII, matched with an automaton (Thompson 1968): the time
 * is the text's length times the pattern's, whatever the pattern. Groups, classes, choices, repetitions and the places
 * ^ $ \A \Z \b \B are known; what looks around, back or sets flags is refused.
 * @throws {BadSubmission} naming what is not known or too much; then and on matching, when no steps are left
 */
export class PythonPattern {
  readonly #pattern: string;
  readonly #states: State[] = [{ kind: 'end' }];
  readonly #start: number;
  /** By state, the last round that came to it. */
  readonly #seen: Uint32Array;
  readonly #steps: Steps;
  #round = 0;
  #nodes = 0;

  constructor(pattern: string, steps: Steps) {
    this.#pattern = pattern;
    this.#steps = steps;
    if (pattern.length > LIMITS.characters) throw this.#tooMuch(`${LIMITS.characters} characters`, pattern.length);
    this.#start = this.#compile(parsePattern(pattern), 0);
    this.#spend(STEPS_PER_STATE * this.#nodes);
    this.#seen = new Uint32Array(this.#states.length);
  }

  /** Whether all of the text matches: `re.fullmatch`. */
  matchesAll(text: string): boolean {
    return this.#run(text, true);
  }

  /** Whether the text begins with a match: `re.match`. */
  matchesStart(text: string): boolean {
    return this.#run(text, false);
  }

  #run(text: string, whole: boolean): boolean {
    let active = this.#reached([this.#start], text, 0);
    for (let at = 0; at < text.length; at++) {
      if (!whole && active.includes(0)) return true;
      const code = text.charCodeAt(at);
      const next: number[] = [];
      for (const index of active) {
        const state = this.#states[index]!;
        if (state.kind === 'character' && state.has(code)) next.push(state.next);
      }
      if (next.length === 0) return false;
      active = this.#reached(next, text, at + 1);
    }
    return active.includes(0);
  }

  /** All states that one comes to from these without reading a character. */
  #reached(from: number[], text: string, at: number): number[] {
    const round = ++this.#round;
    const reached: number[] = [];
    for (let index = from.pop(); index !== undefined; index = from.pop()) {
      if (this.#seen[index] === round) continue;
      this.#seen[index] = round;
      reached.push(index);
      const state = this.#states[index]!;
      if (state.kind === 'either') from.push(...state.next);
      else if (state.kind === 'place' && isAt(state.place, text, at)) from.push(state.next);
    }
    this.#spend(reached.length);
    return reached;
  }

  #spend(steps: number): void {
    this.#steps.left -= steps;
    if (this.#steps.left < 0) throw new BadSubmission(`Expected patterns that are matched in fewer steps, got ${this.#pattern.slice(0, 80)}`);
  }

  /** The state that reads this node and goes on to `next`. */
  #compile(node: PatternNode, next: number): number {
    // counted by node and not by state, since empty groups, repeated, make work without states
    if (++this.#nodes > LIMITS.states) throw this.#tooMuch(`${LIMITS.states} states`, 'more');
    switch (node.kind) {
      case 'characters':
        return this.#add({ kind: 'character', has: node.has, next });
      case 'place':
        return this.#add({ kind: 'place', place: node.place, next });
      case 'sequence':
        return node.nodes.reduceRight((after, part) => this.#compile(part, after), next);
      case 'choice':
        return this.#add({ kind: 'either', next: node.options.map((option) => this.#compile(option, next)) });
      case 'repeat':
        return this.#repeat(node, next);
    }
  }

  #repeat({ node, min, max }: PatternNode & { kind: 'repeat' }, next: number): number {
    let entry = next;
    if (max === Infinity) {
      const loop: number[] = [next];
      entry = this.#add({ kind: 'either', next: loop });
      loop.push(this.#compile(node, entry));
    } else {
      for (let i = min; i < max; i++) entry = this.#add({ kind: 'either', next: [this.#compile(node, entry), next] });
    }
    for (let i = 0; i < min; i++) entry = this.#compile(node, entry);
    return entry;
  }

  #add(state: State): number {
    return this.#states.push(state) - 1;
  }

  #tooMuch(limit: string, got: string | number): BadSubmission {
    return new BadSubmission(`Expected a pattern of at most ${limit}, got ${got}: ${this.#pattern.slice(0, 80)}`);
  }
}

function isAt(place: Place, text: string, at: number): boolean {
  const isWord = (index: number): boolean => /\w/.test(text.charAt(index));
  switch (place) {
    case 'start':
      return at === 0;
    case 'end':
      return at === text.length;
    case 'boundary':
      return isWord(at - 1) !== isWord(at);
    case 'inside':
      // not in an empty text, as in Python up to 3.13
      return text !== '' && isWord(at - 1) === isWord(at);
  }
}

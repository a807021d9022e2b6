import { BadSubmission } from '../../errors.ts';
import type { PatternNode, Place } from './pattern-node.ts';

type Characters = (code: number) => boolean;

/**
 * What a regular expression in Python's syntax says.
 * @throws {BadSubmission} naming what is not known, or not a regular expression
 */
export const parsePattern = (pattern: string): PatternNode => new Parser(pattern).parse();

const PLACES: Readonly<Record<string, Place>> = { '^': 'start', $: 'end', '\\A': 'start', '\\Z': 'end', '\\b': 'boundary', '\\B': 'inside' };
const LARGEST_COUNT = 1000;
// without any number a brace stands for itself, but {,} is any number of times
const COUNTS = /^\{(?:(\d+)|(\d*),(\d*))\}/;

class Parser {
  readonly #pattern: string;
  #at = 0;

  constructor(pattern: string) {
    this.#pattern = pattern;
  }

  parse(): PatternNode {
    const node = this.#choice();
    if (this.#at < this.#pattern.length) throw this.#unknown(')');
    return node;
  }

  #choice(): PatternNode {
    const options = [this.#sequence()];
    while (this.#take('|')) options.push(this.#sequence());
    return options.length === 1 ? options[0]! : { kind: 'choice', options };
  }

  #sequence(): PatternNode {
    const nodes: PatternNode[] = [];
    while (this.#at < this.#pattern.length && !this.#isNext('|') && !this.#isNext(')')) nodes.push(this.#repeated(this.#piece()));
    return { kind: 'sequence', nodes };
  }

  #piece(): PatternNode {
    const place = [this.#pattern.slice(this.#at, this.#at + 2), this.#pattern.charAt(this.#at)].find((text) => Object.hasOwn(PLACES, text));
    if (place !== undefined) {
      this.#at += place.length;
      return { kind: 'place', place: PLACES[place]! };
    }
    if (this.#isRepetition()) throw this.#unknown(`${this.#pattern.charAt(this.#at)} after nothing that can be repeated`);
    if (this.#take('(')) return this.#group();
    if (this.#take('[')) return { kind: 'characters', has: this.#class() };
    if (this.#take('.')) return { kind: 'characters', has: (code) => code !== 0x0a };
    return { kind: 'characters', has: this.#character() };
  }

  #group(): PatternNode {
    if (this.#isNext('?')) {
      const [opening] = /^\?(?::|P<[A-Za-z_]\w*>)/.exec(this.#rest()) ?? [];
      if (opening === undefined) throw this.#unknown(`(${this.#rest().slice(0, 3)}`);
      this.#at += opening.length;
    }
    const node = this.#choice();
    if (!this.#take(')')) throw this.#unknown('( without its end');
    return node;
  }

  /** Greedy or lazy is one where only the match counts. */
  #repeated(node: PatternNode): PatternNode {
    const counts = this.#counts();
    if (counts === undefined) return node;
    if (node.kind === 'place') throw this.#unknown('a place that is repeated');
    this.#take('?');
    if (this.#isRepetition()) throw this.#unknown('a repetition of a repetition');
    const [min, max] = counts;
    return { kind: 'repeat', node, min, max };
  }

  #counts(): [number, number] | undefined {
    if (this.#take('*')) return [0, Infinity];
    if (this.#take('+')) return [1, Infinity];
    if (this.#take('?')) return [0, 1];
    const [text, exactly, least = exactly, most = exactly] = COUNTS.exec(this.#rest()) ?? [];
    if (text === undefined) return undefined;
    this.#at += text.length;
    const min = Number(least);
    const max = most === '' ? Infinity : Number(most);
    if (max < min || min > LARGEST_COUNT || (max > LARGEST_COUNT && max !== Infinity)) throw this.#unknown(`the counts ${text}`);
    return [min, max];
  }

  #class(): Characters {
    const isNegated = this.#take('^');
    const members: Characters[] = [];
    // a bracket that closes nothing yet stands for itself
    do members.push(this.#member());
    while (!this.#take(']'));
    return (code) => members.some((has) => has(code)) !== isNegated;
  }

  #member(): Characters {
    const from = this.#classCharacter();
    const isRange = this.#isNext('-') && this.#pattern.charAt(this.#at + 1) !== ']';
    if (!isRange) return from.has;
    this.#at++;
    const to = this.#classCharacter();
    if (from.code === undefined || to.code === undefined || to.code < from.code) throw this.#unknown('a range of characters that has no ends');
    const [first, last] = [from.code, to.code];
    return (code) => code >= first && code <= last;
  }

  #classCharacter(): { has: Characters; code?: number } {
    const start = this.#at;
    const has = this.#character();
    const text = this.#pattern.slice(start, this.#at);
    return /^\\[dDwWsS]$/.test(text) ? { has } : { has, code: text.charCodeAt(text.length - 1) };
  }

  /** One character that stands for itself, or one behind a backslash. */
  #character(): Characters {
    if (this.#at >= this.#pattern.length) throw this.#unknown('[ without its end');
    const text = this.#take('\\') ? `\\${this.#next()}` : this.#next();
    if (/^\\[dDwWsS]$/.test(text)) {
      const kind = new RegExp(text);
      return (code) => kind.test(String.fromCharCode(code));
    }
    if (/^\\[0-9A-Za-z]?$/.test(text)) throw this.#unknown(text);
    const wanted = text.charCodeAt(text.length - 1);
    return (code) => code === wanted;
  }

  #isRepetition = (): boolean => /^[*+?]/.test(this.#rest()) || COUNTS.test(this.#rest());
  #next = (): string => this.#pattern.charAt(this.#at++);
  #rest = (): string => this.#pattern.slice(this.#at);
  #isNext = (text: string): boolean => this.#pattern.startsWith(text, this.#at);

  #take(text: string): boolean {
    if (!this.#isNext(text)) return false;
    this.#at += text.length;
    return true;
  }

  #unknown(what: string): BadSubmission {
    return new BadSubmission(`Expected a pattern of characters, classes, groups, choices and repetitions, got ${what} in ${this.#pattern.slice(0, 80)}`);
  }
}

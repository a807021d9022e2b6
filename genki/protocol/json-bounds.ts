/** How much a JSON text may hold. */
export type JsonBounds = {
  /** Lists and objects in one another. */
  readonly depth: number;
  /** Members and elements in all; some ten times as many bytes as a text of them come of reading it. */
  readonly values: number;
};

/** Nothing that participants exchange has more; what walks a value by calling itself is safe up to here. */
export const JSON_BOUNDS: JsonBounds = Object.freeze({ depth: 128, values: 2 ** 21 });

/** Whether a JSON text holds no more than that, found without reading it into values; of other texts, anything. */
export function isWithin(text: string, { depth: deepest, values: most }: JsonBounds): boolean {
  let [depth, values, inText] = [0, 1, false];
  for (let at = 0; at < text.length; at++) {
    const character = text.charCodeAt(at);
    if (inText) {
      if (character === BACKSLASH) at++;
      else if (character === QUOTE) inText = false;
    } else if (character === QUOTE) inText = true;
    else if (character === COMMA) values++;
    else if (character === OPEN_LIST || character === OPEN_OBJECT) {
      depth++;
      values++;
    } else if (character === CLOSE_LIST || character === CLOSE_OBJECT) depth--;
    if (depth > deepest || values > most) return false;
  }
  return true;
}

const [QUOTE, BACKSLASH, COMMA, OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x22, 0x5c, 0x2c, 0x5b, 0x5d, 0x7b, 0x7d];

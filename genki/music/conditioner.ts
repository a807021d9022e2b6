import type { TextConfig } from './config.ts';
import { type TextBatch, wordsOf } from './text.ts';

/** Makes of captions what a decoder is told. */
export interface Conditioner {
  /**
   * A row a text, padded to the longest. The same text gives the same states in any company, up to the padding.
   * @throws {InvalidInput} for a text that is too long, or none
   */
  tell(texts: readonly string[]): Promise<TextBatch>;
  /** Lets go of what is loaded; it is loaded again when it is needed. */
  dispose(): Promise<void>;
}

/** Of a model that knows words of its own. */
export const wordConditioner = (text: TextConfig): Conditioner => ({ tell: async (texts) => wordsOf(text, texts), dispose: async () => {} });

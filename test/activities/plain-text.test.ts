import { describe, expect, it } from 'vitest';
import { plainText } from '../../activities/plain-text.ts';

describe('plain text', () => {
  it('leaves a sentence as it is', () => {
    expect(plainText('Expected five fields, got "6"')).toBe('Expected five fields, got "6"');
  });

  it('is one line without what a terminal obeys', () => {
    expect(plainText('✖ Unrecognized key: "\u001b[31mred\r\n"\n  → at files[0]')).toBe('Unrecognized key: "?[31mred " at files[0]');
    expect(plainText('\u202eevil\u0000\u009bx')).toBe('?evil??x');
  });

  it('is at most 400 characters long', () => {
    expect(plainText('a'.repeat(400))).toBe('a'.repeat(400));
    expect(plainText('a'.repeat(100_000))).toBe(`${'a'.repeat(397)}...`);
  });

  it('does not change what is plain', () => {
    for (const text of ['', ' a  b ', 'ü→✖', '\t'.repeat(5000), '😀'.repeat(300)]) expect(plainText(plainText(text))).toBe(plainText(text));
  });
});

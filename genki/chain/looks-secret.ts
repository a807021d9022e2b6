/** 32 bytes in hex, as a secret seed is. */
export const isSeed = (text: string): boolean => /^(0x)?[0-9a-f]{64}$/i.test(text);

/** Whether somebody has put a seed, a key or a mnemonic where none belongs: such a text is not to be repeated. */
export const looksSecret = (text: string): boolean => isSeed(text.trim()) || /^(0x)?[0-9a-f]{128,192}$/i.test(text.trim()) || text.trim().split(/\s+/).length >= 12;

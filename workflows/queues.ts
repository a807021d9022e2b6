/** Task queues, by what polls them. */
export const WORKFLOW_QUEUE = 'genki';
export const CPU_QUEUE = 'genki-cpu';
export const GPU_QUEUE = 'genki-gpu';

/** One queue a key: signing and submitting, by the worker that holds it. */
export const walletQueue = (hotkey: string): string => `genki-wallet-${hotkey}`;

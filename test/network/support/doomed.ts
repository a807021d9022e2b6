/** Points of the way to the chain at which a wallet worker can be killed. */
export const POINTS = ['signed', 'before-broadcast', 'after-broadcast', 'before-confirm'] as const;
export type Point = (typeof POINTS)[number];

/** What `wallet-worker.ts` is started with. */
export type Doomed = { readonly address: string; readonly url: string; readonly blockMs: number; readonly wallets: readonly { readonly secret: string; readonly point: Point }[] };

import type { Connection } from '@temporalio/client';
import type { HubDesk } from '../../genki/protocol/hub.ts';

/** The desk, whose every call to Temporal ends after `deskMs`, also where nobody waits for it any more. */
export function inTime(desk: HubDesk, connection: Pick<Connection, 'withDeadline'>, deskMs: number): HubDesk {
  const ask = <Q, A>(question: (of: Q) => Promise<A>) => (of: Q): Promise<A> => connection.withDeadline(Date.now() + deskMs, () => question(of));
  return { request: ask(desk.request), renew: ask(desk.renew), release: ask(desk.release), push: ask(desk.push), status: ask(desk.status), current: ask(desk.current) };
}

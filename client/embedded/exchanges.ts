import type { Competition } from '../../genki/protocol/competition.ts';
import { RUBY_RELAY } from '../../genki/protocol/ruby-relay.ts';
import { RUBY_WINDOWS } from '../../genki/protocol/ruby-windows.ts';
import { RUBY } from '../../genki/protocol/ruby.ts';

/** The embedded network's competition of each exchange. */
export const EXCHANGES: Readonly<Record<Competition['exchange'], Competition>> = { adapter: RUBY, delta: RUBY_WINDOWS, relay: RUBY_RELAY };

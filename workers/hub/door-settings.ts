import * as z from 'zod';
import { InvalidInput } from '../../genki/errors.ts';

const Environment = z.object({
  /** Where it listens; beyond the loopback it wants a proxy that speaks TLS before it. */
  GENKI_HUB_HOST: z.string().min(1).default('127.0.0.1'),
  /** 0 for any free one. */
  GENKI_HUB_PORT: z.coerce.number().int().min(0).max(65_535).default(8400),
  /** Of the hub's own, between the door and the world: how many names at the end of `X-Forwarded-For` are theirs to give. */
  GENKI_HUB_PROXIES: z.coerce.number().int().min(0).max(8).default(0),
});

export type DoorSettings = { readonly host: string; readonly port: number; readonly proxies: number };

/** @throws {InvalidInput} naming the variable that is wrong */
export function readDoorSettings(env: NodeJS.ProcessEnv): DoorSettings {
  const read = Environment.safeParse(env);
  if (!read.success) throw new InvalidInput(`Expected valid settings in the environment:\n${z.prettifyError(read.error)}`);
  const { GENKI_HUB_HOST: host, GENKI_HUB_PORT: port, GENKI_HUB_PROXIES: proxies } = read.data;
  return { host, port, proxies };
}

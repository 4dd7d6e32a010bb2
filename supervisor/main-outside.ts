// What goes on with the outside beside operations: telling the operator's phone that something waits, and asking DNS who sent a mail.
import type { Bus } from '#actors/bus.ts';
import type { Clock } from '#actors/clock.ts';
import { randomId } from '#actors/ids.ts';
import type { Log } from '#actors/log.ts';
import type { StorePort } from '#actors/store-port.ts';
import type { ReceiveOptions } from '#connectors/mail/intake.ts';
import type { StoredIntent } from '#machines/inbox.ts';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from './config.ts';
import { readSecrets, readSettings } from './connector-settings.ts';

/** Null when connectors/notify.json is not there. */
export async function openNotify({ config, ...parts }: { config: Config; store: StorePort; bus: Bus; clock: Clock; log: Log; linkOf(item: StoredIntent): string | null }): Promise<{ stop(): Promise<void> } | null> {
  if (!existsSync(join(config.dataDir, 'connectors', 'notify.json'))) return null;
  const { settingsSchema } = await import('#connectors/notify/ntfy.ts');
  const { startNotify } = await import('#connectors/notify/notify.ts');
  const settings = readSettings(config.dataDir, 'notify.json', settingsSchema)!;
  const random = () => Number.parseInt(randomId().slice(0, 8), 16) / 2 ** 32;
  return startNotify({ ...parts, settings, token: readSecrets(config, ['NTFY_TOKEN'])['NTFY_TOKEN'] ?? null, fetch: globalThis.fetch, random });
}

/** Who sent a mail, by the system's name servers. */
export async function openAuthentication({ clock }: { clock: Clock }): Promise<NonNullable<ReceiveOptions['authenticate']>> {
  const { authenticateMail } = await import('#connectors/mail/authenticate.ts');
  const { createResolver } = await import('#connectors/mail/dns.ts');
  const resolve = createResolver();
  return (raw, from) => authenticateMail(raw, from, { resolve, nowMs: clock.now() });
}

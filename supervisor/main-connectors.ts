// The connectors of a company: each with its settings from `connectors/NAME.json`, and with the secrets it names and no others.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { z } from 'zod';
import type { Clock } from '#actors/clock.ts';
import type { StorePort } from '#actors/store-port.ts';
import type { Connector } from '#connectors/connector.ts';
import { hiderOf, keepSecrets } from '#connectors/keep-secrets.ts';
import type { Config } from './config.ts';
import { readSecrets, readSettings } from './connector-settings.ts';
import { loadOwnConnectors } from './own-connectors.ts';

export interface ConnectorParts { config: Config; store: StorePort }

type Secrets = Record<string, string>;
interface Kind<S extends z.ZodType> { settingsSchema: S; make(settings: z.output<S>, secrets: Secrets): Connector | Connector[]; secretNames(settings: z.output<S>): readonly string[] }

/** All ways out that are set up. A connector without its settings file is not there, and what it would do is refused. */
export async function openConnectors({ config, store }: ConnectorParts): Promise<Connector[]> {
  const { dataDir, company, smtpUrl, imapUrl } = config;
  const folder = join(dataDir, 'connectors');
  const { createMailConnector } = await import('#connectors/mail/connector.ts');
  const connectors: Connector[] = [createMailConnector({ smtpUrl, imapUrl, outboxDir: join(dataDir, 'outbox'), domain: company.domain, from: company.email, ownAddresses: [] })];
  // Passwords within an address are secrets too.
  const given = [smtpUrl, imapUrl].flatMap((url) => (url === null ? [] : [url, decodeURIComponent(new URL(url).password)]));
  const secrets = (names: readonly string[]) => {
    const values = readSecrets(config, names);
    given.push(...Object.values(values));
    return values;
  };

  /** Code is loaded only for what is set up. */
  const add = async <S extends z.ZodType>(name: string, load: () => Promise<Kind<S>>) => {
    if (!existsSync(join(folder, `${name}.json`))) return;
    const { settingsSchema, make, secretNames } = await load();
    const settings = readSettings(dataDir, `${name}.json`, settingsSchema)!;
    connectors.push(...[make(settings, secrets(secretNames(settings)))].flat());
  };
  await add('payments', async () => {
    const { settingsSchema, createPaymentsConnector } = await import('#connectors/payments/connector.ts');
    return { settingsSchema, make: createPaymentsConnector, secretNames: () => ['STRIPE_SECRET_KEY'] };
  });
  await add('invoices', async () => {
    const { settingsSchema, createInvoicesConnector } = await import('#connectors/invoices/connector.ts');
    return { settingsSchema, make: (settings) => createInvoicesConnector({ settings, store, font: fontOf(folder) }), secretNames: () => [] };
  });
  await add('calendar', async () => {
    const { settingsSchema, createCalendarConnector } = await import('#connectors/calendar/connector.ts');
    return { settingsSchema, make: createCalendarConnector, secretNames: () => ['CALDAV_PASSWORD'] };
  });
  await add('publish', async () => {
    const { settingsSchema, createPublishConnector } = await import('#connectors/publish/connector.ts');
    return { settingsSchema, make: createPublishConnector, secretNames: () => ['WORDPRESS_PASSWORD'] };
  });
  await add('http', async () => {
    const { settingsSchema, createHttpConnector } = await import('#connectors/http/connector.ts');
    return {
      settingsSchema,
      make: (settings, its) => createHttpConnector(settings, { secrets: its, readText: (file) => readFileSync(join(folder, file), 'utf8') }),
      secretNames: ({ calls, apis }) => [...calls, ...apis.flatMap(({ operations }) => Object.values(operations))].flatMap(({ secretHeader }) => (secretHeader ? [secretHeader.secret] : [])),
    };
  });
  await add('web', async () => {
    const { settingsSchema, createWebConnector } = await import('#connectors/web/connector.ts');
    return { settingsSchema, make: (settings) => createWebConnector(settings), secretNames: () => [] };
  });
  await add('files', async () => {
    const { settingsSchema, createFilesConnector } = await import('#connectors/files/connector.ts');
    return { settingsSchema, make: (settings) => createFilesConnector(settings, { dataDir }), secretNames: () => [] };
  });
  if (existsSync(join(folder, 'mcp.json'))) {
    const { openMcpConnectors } = await import('./main-mcp.ts');
    connectors.push(...openMcpConnectors(dataDir, secrets));
  }
  // Last: a connector of the company takes no name of this build.
  connectors.push(...((await loadOwnConnectors(dataDir, { secrets, taken: connectors.map(({ name }) => name) })) as unknown as Connector[]));
  const hide = hiderOf(given);
  return connectors.map((connector) => keepSecrets(connector, hide));
}

/** What Stripe tells this server; undefined without its secret, and then nothing is listened to. */
export async function openPaymentHook({ config, store, clock }: ConnectorParts & { clock: Clock }): Promise<((body: Uint8Array, signature: string) => Promise<object>) | undefined> {
  const secret = readSecrets(config, ['STRIPE_WEBHOOK_SECRET'])['STRIPE_WEBHOOK_SECRET'];
  if (secret === undefined || !existsSync(join(config.dataDir, 'connectors', 'payments.json'))) return undefined;
  const { createWebhook } = await import('#connectors/payments/connector.ts');
  return createWebhook({ secret, store, clock }).receive;
}

function fontOf(folder: string): Uint8Array | null {
  const file = join(folder, 'invoices.ttf');
  return existsSync(file) ? readFileSync(file) : null;
}

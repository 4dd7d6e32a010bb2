// The connectors of a company: each with its settings from `connectors/NAME.json`, and with the secrets it names and no others.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import type { z } from 'zod';
import type { Clock } from '#actors/clock.ts';
import type { StorePort } from '#actors/store-port.ts';
import type { Connector } from '#connectors/connector.ts';
import { firstIssue, KeelsonError } from '#machines/errors.ts';
import type { Config } from './config.ts';
import { openMcpConnectors } from './main-mcp.ts';
import { loadOwnConnectors } from './own-connectors.ts';

export interface ConnectorParts { config: Config; store: StorePort }

const mayRead = 0o077;

/** Names to values: the environment, else `secrets.env` in the company folder, which nobody else may read. */
export function readSecrets({ dataDir, secretOf }: Pick<Config, 'dataDir' | 'secretOf'>, names: readonly string[]): Record<string, string> {
  const file = join(dataDir, 'secrets.env');
  const kept = existsSync(file) ? parseEnv(readSecretFile(file)) : {};
  return Object.fromEntries(names.flatMap((name) => {
    const value = secretOf(name) ?? kept[name];
    return value === undefined || value === '' ? [] : [[name, value]];
  }));
}

function readSecretFile(file: string): string {
  if ((statSync(file).mode & mayRead) !== 0) throw new KeelsonError('BAD_CONFIG', `${file} can be read by others`, { hint: `Run: chmod 600 ${file}` });
  return readFileSync(file, 'utf8');
}

/** Settings of one connector. Throws BAD_CONFIG naming the field. */
function readSettings<S extends z.ZodType>(dataDir: string, name: string, schema: S): z.output<S> {
  const file = join(dataDir, 'connectors', `${name}.json`);
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new KeelsonError('BAD_CONFIG', `${file} is not JSON: ${(cause as Error).message}`, { cause });
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw new KeelsonError('BAD_CONFIG', `${file}: ${firstIssue(parsed.error, ': ')}`);
  return parsed.data;
}

type Secrets = Record<string, string>;
interface Kind<S extends z.ZodType> { settingsSchema: S; make(settings: z.output<S>, secrets: Secrets): Connector | Connector[]; secretNames(settings: z.output<S>): readonly string[] }

/** All ways out that are set up. A connector without its settings file is not there, and what it would do is refused. */
export async function openConnectors({ config, store }: ConnectorParts): Promise<Connector[]> {
  const { dataDir, company, smtpUrl, imapUrl } = config;
  const folder = join(dataDir, 'connectors');
  const { createMailConnector } = await import('#connectors/mail/connector.ts');
  const connectors: Connector[] = [createMailConnector({ smtpUrl, imapUrl, outboxDir: join(dataDir, 'outbox'), domain: company.domain, from: company.email, ownAddresses: [] })];

  /** Code is loaded only for what is set up. */
  const add = async <S extends z.ZodType>(name: string, load: () => Promise<Kind<S>>) => {
    if (!existsSync(join(folder, `${name}.json`))) return;
    const { settingsSchema, make, secretNames } = await load();
    const settings = readSettings(dataDir, name, settingsSchema);
    connectors.push(...[make(settings, readSecrets(config, secretNames(settings)))].flat());
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
  await add('files', async () => {
    const { settingsSchema, createFilesConnector } = await import('#connectors/files/connector.ts');
    return { settingsSchema, make: (settings) => createFilesConnector(settings, { dataDir }), secretNames: () => [] };
  });
  connectors.push(...openMcpConnectors(dataDir, (names) => readSecrets(config, names)));
  // Last: a connector of the company takes no name of this build.
  connectors.push(...((await loadOwnConnectors(dataDir, { secrets: (names) => readSecrets(config, names), taken: connectors.map(({ name }) => name) })) as unknown as Connector[]));
  return connectors;
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

// Every way out that this company has or could have: its settings file, and which of its secrets are set, by name. Never a value.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Connector } from '#connectors/connector.ts';
import type { Setup } from '#connectors/console/desk-connectors.ts';
import type { Config } from './config.ts';
import { readSecrets } from './connector-settings.ts';

/** Of this build, with the secrets that it needs whatever its settings say. */
const ofThisBuild: Record<string, readonly string[]> = { payments: ['STRIPE_SECRET_KEY', 'STRIPE_WEBHOOK_SECRET'], invoices: [], calendar: ['CALDAV_PASSWORD'], publish: ['WORDPRESS_PASSWORD'], http: [], web: [], files: [] };

export function connectorSetups(config: Config, connectors: readonly Connector[]): Setup[] {
  const { dataDir, smtpUrl, imapUrl } = config;
  const secretsOf = (names: readonly string[]) => {
    const values = readSecrets(config, names);
    return names.map((name) => ({ name, isSet: values[name] !== undefined }));
  };
  const isThere = (file: string) => existsSync(join(dataDir, file));
  const own = (name: string) => ['ts', 'mts', 'js', 'mjs'].map((end) => `connectors/${name}.${end}`).find(isThere);

  const mail: Setup = {
    name: 'mail', isSetUp: true, settings: null, secrets: [{ name: 'KEELSON_SMTP_URL', isSet: smtpUrl !== null }, { name: 'KEELSON_IMAP_URL', isSet: imapUrl !== null }],
    note: smtpUrl === null ? 'Approved mail is written to outbox/ and not sent until KEELSON_SMTP_URL is set.' : imapUrl === null ? 'No mail is fetched until KEELSON_IMAP_URL is set.' : '',
  };
  const known = Object.entries(ofThisBuild).map(([name, needed]): Setup => {
    const connector = connectors.find((one) => one.name === name);
    const settings = `connectors/${name}.json`;
    return { name, isSetUp: connector !== undefined, settings, secrets: secretsOf(connector ? [...new Set([...connector.secrets, ...(name === 'payments' ? needed : [])])] : needed), note: connector ? '' : noteOf(name, isThere(settings)) };
  });
  const others = connectors.filter(({ name }) => name !== 'mail' && !(name in ofThisBuild)).map(({ name, secrets }): Setup => {
    const file = own(name);
    return { name, isSetUp: true, settings: file ?? (isThere('connectors/mcp.json') ? 'connectors/mcp.json' : null), secrets: secretsOf(secrets), note: file ? 'Your own.' : '' };
  });
  return [mail, ...known, ...others].toSorted((a, b) => Number(b.isSetUp) - Number(a.isSetUp));
}

const noteOf = (name: string, hasFile: boolean) => (hasFile ? 'Its file came after the start: start the server again.' : `Copy connectors/${name}.example.json to connectors/${name}.json, change it, and start the server again.`);

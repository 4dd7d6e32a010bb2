// Run by dry-run.test.ts in a network of its own: a company with every way out set up, all of them leading elsewhere. Prints after each
// part how often something wanted to leave until then, and how the operations stand.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sampleMailbox } from '#supervisor/company.ts';
import { openApi, type Api } from '#test/kit/api.ts';
import { attemptsToLeave } from '#test/kit/own-network.ts';
import { makeCompany } from '#test/kit/server.ts';
import { letter } from '#test/kit/steps-company.ts';

interface Operation { value: unknown; context: { id: string; action: string; reason: string; verdict: { effect: string } | null } }

const company = makeCompany();
const { dataDir } = company;
const elsewhere = (n: number) => `https://203.0.113.${n}`;
const settings: Record<string, object> = {
  payments: { account: 'voss-stripe', currencies: ['EUR'], apiUrl: elsewhere(10) },
  calendar: { url: elsewhere(11), user: 'mara', calendar: 'mara/work', timeZone: 'Europe/Berlin', workingHours: { mon: ['09:00-17:00'] } },
  http: { calls: [{ name: 'report', method: 'POST', url: `${elsewhere(12)}/report`, body: { type: 'object', properties: { text: { type: 'string' } }, required: ['text'], additionalProperties: false }, answer: 'text' }] },
  web: { hosts: [elsewhere(12)] },
  publish: { wordpress: { url: elsewhere(13), user: 'mara' } },
  files: { roots: [{ name: 'work', folder: join(dataDir, '..', 'work'), write: true }] },
  notify: { url: elsewhere(14), topic: 'desk', when: ['approval', 'escalation'], timeZone: 'Europe/Berlin' },
};
const secrets = { STRIPE_SECRET_KEY: 'sk_test_dry', STRIPE_WEBHOOK_SECRET: 'whsec_dry', CALDAV_PASSWORD: 'dry', WORDPRESS_PASSWORD: 'dry', NTFY_TOKEN: 'dry' };
const smtp = { KEELSON_SMTP_URL: 'smtp://203.0.113.20:25' };
const everything = { ...secrets, ...smtp, KEELSON_IMAP_URL: 'imaps://mara:dry@203.0.113.21', KEELSON_OPENAI_BASE_URL: 'http://203.0.113.22/v1' };
const proposals: [action: string, payload: object][] = [
  ['mail.send', letter('nina@holt.example')],
  ['payments.link', { amountMinor: 11_900, currency: 'EUR', payer: 'nina@holt.example', description: 'Website', reference: '2026-0007' }],
  ['payments.charge', { amountMinor: 5_000, currency: 'EUR', customer: 'cus_nina', paymentMethod: 'pm_card', description: 'Hosting', reference: '2026-0008' }],
  ['calendar.slots', { from: '2027-03-01T00:00:00+01:00', to: '2027-03-06T00:00:00+01:00', minutes: 30, limit: 5 }],
  ['http.report', { body: { text: 'All is well' } }],
  ['web.read', { url: `${elsewhere(12)}/hours` }],
  ['files.write', { root: 'work', path: 'note.txt', text: 'Closed on Monday' }],
];

async function propose(api: Api, id: string, action: string, payload: object): Promise<void> {
  await api.post('/api/runs', { machine: 'operation', key: id, input: { id, action, payload, summary: id } });
}
async function approveAll(api: Api): Promise<number> {
  await api.quiet();
  const items = (await api.query<{ id: string; kind: string }[]>('inbox', { limit: 1_000 })).filter(({ kind }) => kind === 'approval');
  for (const { id } of items) await api.post(`/api/inbox/${encodeURIComponent(id)}/approve`, {});
  await api.quiet();
  return items.length;
}
const operations = async (api: Api) => (await api.query<Operation[]>('operations')).map(({ value, context: { id, action, reason, verdict } }) => ({ id, action, reason, effect: verdict?.effect ?? null, state: typeof value === 'string' ? value : Object.entries(value as object).flat().join('.') }));
const say = (part: string, more: object) => process.stdout.write(`${JSON.stringify({ part, attempts: attemptsToLeave(), ...more })}\n`);

try {
  const made = await company.cli('init', dataDir);
  if (made.code !== 0) throw new Error(made.stderr);
  for (const folder of [join(dataDir, 'connectors'), join(dataDir, '..', 'work')]) mkdirSync(folder, { recursive: true });
  for (const [name, value] of Object.entries(settings)) writeFileSync(join(dataDir, 'connectors', `${name}.json`), JSON.stringify(value));

  // In earnest, and yet nothing to do: what is proposed now is meant to leave.
  const notify = join(dataDir, 'connectors', 'notify.json');
  rmSync(notify);
  await company.up({ ...secrets, ...smtp });
  await propose(openApi(dataDir), 'in-earnest', 'mail.send', letter('nina@holt.example'));
  await openApi(dataDir).quiet();
  say('earnest, waiting', { operations: await operations(openApi(dataDir)) });
  await company.down();

  writeFileSync(notify, JSON.stringify(settings['notify']));
  await company.up(everything, ['--dry-run']);
  let api = openApi(dataDir);
  const imported = await company.json<{ imported: number }>('mail', 'import', sampleMailbox);
  for (const [n, [action, payload]] of proposals.entries()) await propose(api, `dry-${n}`, action, payload);
  const approved = await approveAll(api);
  say('dry', { imported: imported.imported, approved, written: [...readdirSync(join(dataDir, '..', 'work')), ...readdirSync(dataDir).filter((name) => name === 'outbox')], operations: await operations(api) });
  await company.down();

  rmSync(notify);
  await company.up({ ...secrets, ...smtp });
  api = openApi(dataDir);
  await company.until('an attempt to send', 60_000, async () => attemptsToLeave() > 0);
  say('earnest', { operations: await operations(api) });
} finally {
  await company.remove();
}

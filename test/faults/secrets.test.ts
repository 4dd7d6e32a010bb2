// Goal: what is secret stands nowhere but where the operator wrote it: not in the database, its log, the bus, a log file, an export, a backup,
// what commands print or HTTP answers; also when a provider sends back what it was sent. Method: canaries, a server that answers in every bad
// way with all that it was told, a kill after each; then every byte is searched.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { openApi } from '#test/kit/api.ts';
import { startRude, type Manners, type RudeServer } from '#test/kit/rude-http.ts';
import { makeCompany, type Company } from '#test/kit/server.ts';
import { startSmtp, type SmtpFixture } from '#test/kit/smtp.ts';
import { letter } from '#test/kit/steps-company.ts';

/** In secrets.env, and one beside it in the environment. */
const kept = { STRIPE_SECRET_KEY: 'sk_test_CanaryStripe7f3a', STRIPE_WEBHOOK_SECRET: 'whsec_CanaryHook51bd', CALDAV_PASSWORD: 'CanaryCaldav90e2', WORDPRESS_PASSWORD: 'CanaryPress 44ab xyz9', NTFY_TOKEN: 'tk_CanaryNtfy83c1', REPORT_KEY: 'CanaryReport"17\\d0' };
const inEnvironment = { OPENAI_API_KEY: 'sk-CanaryModel6642', CRM_KEY: 'CanaryCrm2a95' };
const smtpPassword = 'CanarySmtp5c08';
const imapPassword = 'CanaryImap/3e71';
const canaries: Record<string, string> = { ...kept, ...inEnvironment, smtpPassword, imapPassword };

let company: Company;
let rude: RudeServer;
let smtp: SmtpFixture;
let env: Record<string, string>;

/** Says back everything that it was told, in a body that most readers take. */
const echo = (status: number, headers: Record<string, string> = {}): Manners => (response, { headers: told, body, path }) => {
  const said = JSON.stringify({ told, body, path, basic: Buffer.from((told.authorization ?? '').replace(/^Basic /, ''), 'base64').toString() });
  response.writeHead(status, { 'content-type': 'application/json', 'x-told': encodeURIComponent(said), ...headers }).end(JSON.stringify({ id: said, url: said, status: said, text: said, error: { type: 'api_error', message: `you said ${said}`, code: said.slice(0, 40) }, code: said, message: said }));
};
const manners: Record<string, Manners> = {
  'answers well': echo(200), 'says no': echo(401), 'refuses': echo(422), 'fails': echo(500), 'asks to wait': echo(429, { 'retry-after': '1' }),
  'leads elsewhere': (response, request) => echo(302, { location: `/elsewhere?told=${encodeURIComponent(request.headers.authorization ?? '')}` })(response, request),
  'talks nonsense': (response, { headers }) => void response.writeHead(200, { 'content-type': 'text/html' }).end(`<<< ${JSON.stringify(headers)}`),
  'hangs up': (response, { headers }) => { response.writeHead(200, { 'content-type': 'application/json' }).write(JSON.stringify(headers).slice(0, -1)); response.destroy(); },
  'says nothing': () => {},
};

const again = ['answers well', 'says no', 'fails', 'talks nonsense', 'hangs up', 'says nothing'];

before(async () => {
  company = makeCompany();
  const { dataDir } = company;
  rude = await startRude();
  smtp = await startSmtp({ password: smtpPassword });
  assert.equal((await company.cli('init', dataDir)).code, 0);
  mkdirSync(join(dataDir, 'connectors'), { recursive: true });
  const call = { method: 'POST', url: `${rude.url}/report`, body: { type: 'object', properties: { text: { type: 'string' } }, required: ['text'], additionalProperties: false }, secretHeader: { header: 'authorization', secret: 'REPORT_KEY', prefix: 'Bearer ' }, answer: 'text', maxMs: 500 };
  const settings = {
    payments: { account: 'voss-stripe', currencies: ['EUR'], apiUrl: rude.url, timeoutMs: 500 },
    calendar: { url: rude.url, user: 'mara', calendar: 'mara/work', timeZone: 'Europe/Berlin', workingHours: { mon: ['09:00-17:00'] } },
    publish: { wordpress: { url: rude.url, user: 'mara' } },
    http: { calls: [{ name: 'report', ...call }, { name: 'look', ...call, method: 'GET', body: undefined, secretHeader: { header: 'x-key', secret: 'CRM_KEY' } }, { name: 'tls', ...call, url: `https://127.0.0.1:${rude.port}/report` }], allowPrivate: [rude.host] },
    notify: { url: rude.url, topic: 'desk', when: ['approval', 'escalation'], timeZone: 'Europe/Berlin' },
  };
  for (const [name, value] of Object.entries(settings)) writeFileSync(join(dataDir, 'connectors', `${name}.json`), JSON.stringify(value));
  for (const file of readdirSync(join(dataDir, 'policies'))) writeFileSync(join(dataDir, 'policies', file), '');
  writeFileSync(join(dataDir, 'policies', 'default.cedar'), '@id("all") @why("All of it.") permit (principal, action, resource);');
  writeFileSync(join(dataDir, 'secrets.env'), Object.entries(kept).map(([name, value]) => `${name}='${value}'\n`).join(''), { mode: 0o600 });
  const imap = `imap://mara:${encodeURIComponent(imapPassword)}@127.0.0.1:${rude.port}`;
  env = { ...inEnvironment, KEELSON_SMTP_URL: smtp.url.replace(/\/\/.*@/, `//user:${smtpPassword}@`), KEELSON_IMAP_URL: imap, KEELSON_OPENAI_BASE_URL: `${rude.url}/v1`, KEELSON_LOG_LEVEL: 'debug' };
}, { timeout: 60_000 });
after(async () => {
  await company?.remove();
  await Promise.all([rude?.stop(), smtp?.stop()]);
});

const proposals: [action: string, payload: object][] = [
  ['payments.link', { amountMinor: 11_900, currency: 'EUR', payer: 'nina@holt.example', description: 'Website', reference: '2026-0007' }],
  ['calendar.events', { from: '2027-03-01T00:00:00+01:00', to: '2027-03-06T00:00:00+01:00' }],
  ['publish.wordpress', { slug: 'hello', title: 'Hello', text: 'Good morning.', visibility: 'public' }],
  ['http.report', { body: { text: 'All is well' } }], ['http.look', {}], ['http.tls', { body: { text: 'All is well' } }],
  ['mail.send', letter('nina@holt.example')], ['mail.draft', letter('nina@holt.example')],
];
/** No template fits it, so the model is asked. */
const inquiry = (n: string) => Buffer.from(`From: nina <nina@holt.example>\r\nTo: hello@studio-voss.example\r\nMessage-ID: <${n}@holt.example>\r\nSubject: Church organs\r\n\r\nDo you know who repairs church organs? Could you please tell me? I ask for my violin workshop.\r\n`);

/** As it is, and as it would travel or be kept. */
const formsOf = (secret: string) => [...new Set([secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1), Buffer.from(secret).toString('base64').replace(/=+$/, '').slice(0, -1), Buffer.from(`mara:${secret}`).toString('base64').replace(/=+$/, '').slice(0, -1)])];
function foundIn(bytes: Buffer, where: string): string[] {
  return Object.entries(canaries).flatMap(([name, secret]) => formsOf(secret).filter((form) => bytes.includes(form)).map((form) => `${name} as ${form} in ${where}`));
}
function searchFolder(folder: string): { files: number; found: string[] } {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return { files: files.length, found: files.filter((file) => !file.endsWith('/secrets.env')).flatMap((file) => foundIn(readFileSync(file), file.slice(folder.length))) };
}

test('no secret is kept, logged, exported or shown, however a provider answers', { timeout: 280_000 }, async (t) => {
  const { dataDir } = company;
  const printed: string[] = [];
  for (const [how, answer] of Object.entries(manners)) {
    rude.behave(answer);
    smtp.behave(how === 'refuses' ? 'refuse' : how === 'hangs up' ? 'drop-after-body' : 'accept');
    // Whoever failed too often is left alone for a while; a new process knows nothing of that.
    if (again.includes(how)) {
      if (how !== 'answers well') await company.kill();
      await company.up(how === 'says no' ? { ...env, KEELSON_SMTP_URL: env['KEELSON_SMTP_URL']!.replace(smtpPassword, `${smtpPassword}x`) } : env);
    }
    const api = openApi(dataDir);
    t.diagnostic(how);
    const asked = rude.requests.length;
    await api.mail(inquiry(how.replaceAll(' ', '-')), how);
    for (const [action, payload] of proposals) await api.post('/api/runs', { machine: 'operation', key: `${action}-${how.replaceAll(' ', '-')}`, input: { id: `${action} ${how}`, action, payload, summary: how } });
    await company.until(`${how}: all were asked`, 30_000, async () => {
      const operations = await api.query<{ value: unknown; context: { summary: string } }[]>('operations');
      return rude.requests.length > asked + 4 && operations.filter(({ context }) => context.summary === how).every(({ value }) => value !== 'proposed');
    });
    if (how !== 'says nothing') await api.quiet(3_000).catch(() => {}); // some wait for the next try
    for (const name of ['operations', 'inbox', 'status', 'facts', 'decisions', 'effects']) printed.push(JSON.stringify(await api.query(name).catch(String)));
  }
  await company.kill();
  // They were there to be found.
  const heard = rude.requests.map(({ headers, path, body }) => JSON.stringify({ headers, path, body, basic: Buffer.from(String(headers.authorization).replace(/^Basic /, ''), 'base64').toString() })).join('\n');
  for (const name of ['STRIPE_SECRET_KEY', 'CALDAV_PASSWORD', 'WORDPRESS_PASSWORD', 'REPORT_KEY', 'CRM_KEY', 'NTFY_TOKEN', 'OPENAI_API_KEY']) assert.ok([canaries[name]!, JSON.stringify(canaries[name]).slice(1, -1), JSON.stringify(JSON.stringify(canaries[name]).slice(1, -1)).slice(1, -1)].some((form) => heard.includes(form)), `${name} was never used`);
  const states = await company.json<{ state: string; action: string }[]>('ops');
  t.diagnostic(`${states.length} operations: ${[...Map.groupBy(states, ({ state }) => state)].map(([state, all]) => `${all.length} ${state}`).join(', ')}; ${rude.requests.length} requests`);
  for (const state of ['done', 'failed', 'unknown']) assert.ok(states.some((one) => one.state === state), `none is ${state}`);

  const killed = searchFolder(join(dataDir, '..'));
  assert.deepEqual(killed.found, [], 'right after kill -9');
  await company.up(env);
  const { api: base } = JSON.parse(readFileSync(join(dataDir, 'run.json'), 'utf8')) as { api: string };
  for (const path of ['/', '/healthz', '/readyz', '/api/query', '/hooks/stripe', '/d/x']) {
    for (const method of ['GET', 'POST']) printed.push(await (await fetch(`${base}${path}`, { method, ...(method === 'POST' ? { body: '{}' } : {}) })).text());
  }
  const commands = ['status', 'inbox', 'ps', 'due', 'ops', 'doctor', 'logs --level debug --lines 100000', 'find facts', 'find decisions', 'find operations', 'search workshop', 'policy list', 'parked', ...['says-no', 'fails'].flatMap((how) => ['payments.link', 'http.report', 'mail.send'].map((action) => `show operation/${action}-${how}`))];
  await Promise.all([0, 1, 2].map(async (lane) => {
    for (const command of commands.filter((_, n) => n % 3 === lane)) {
      const { stdout, stderr } = await company.cli(...command.split(' '));
      printed.push(stdout, stderr);
    }
  }));
  for (const [command, to] of [['export', 'exported'], ['backup', 'copy.db']] as const) {
    const { code, stdout, stderr } = await company.cli(command, join(dataDir, '..', to));
    assert.equal(code, 0, stderr);
    printed.push(stdout, stderr);
  }
  await company.down();
  const { files, found } = searchFolder(join(dataDir, '..'));
  assert.deepEqual(found, []);
  assert.deepEqual(foundIn(Buffer.from(printed.join('\n')), 'what was printed'), []);

  // The search finds what is there.
  assert.ok(files > 15, `${files} files`);
  assert.equal(foundIn(readFileSync(join(dataDir, 'secrets.env')), 'secrets.env').length > 5, true);
  assert.ok(readFileSync(join(dataDir, 'keelson.db')).includes('violin workshop'), 'bytes of the database are read');
});

test('a secrets.env that others can read stops the start with one clear line', async () => {
  const file = join(company.dataDir, 'secrets.env');
  chmodSync(file, 0o644);
  const { code, stderr } = await company.cli('up');
  assert.equal(code, 1);
  assert.match(stderr, /^keelson: [^\n]*secrets\.env can be read by others[^\n]*chmod 600[^\n]*\n$/);
  assert.deepEqual(foundIn(Buffer.from(stderr), 'stderr'), []);
  chmodSync(file, 0o600);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  rmSync(join(company.dataDir, 'secrets.env'));
  const without = await company.cli('up');
  assert.equal(without.code, 1);
  assert.match(without.stderr, /^keelson: [^\n]*STRIPE_SECRET_KEY[^\n]*\n$/);
});

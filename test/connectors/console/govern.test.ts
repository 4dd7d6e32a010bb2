// Goal: what the screens for audit, policies, connectors, schedules and settings ask for is true of a real company, and the sandbox of a
// connector holds back what was approved before. Method: the server in a child process, asked over HTTP as a browser would.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import type { ConnectorView, ModeState } from '#connectors/console/desk-connectors.ts';
import type { CompanyView } from '#connectors/console/govern-routes.ts';
import type { PolicyView, Tested } from '#connectors/console/policy-view.ts';
import type { ScheduleRow } from '#connectors/console/schedule-list.ts';
import { openApi, type Api } from '#test/kit/api.ts';
import { makeCompany, type Company } from '#test/kit/server.ts';

let company: Company;
let api: Api;
let base = '';
let token = '';
const ask = async <T>(path: string, given = token): Promise<T> => (await (await fetch(`${base}${path}`, { headers: { authorization: `Bearer ${given}` } })).json()) as T;
const letter = (to: string) => ({ from: { address: 'hello@studio-voss.example', name: 'Studio Voss' }, to: { address: to, name: '' }, subject: 'Hello', text: 'Good day.\n', inReplyTo: null, references: [] });
const stateOf = async (id: string) => (await api.query<{ value: unknown }[]>('operation', { id }))[0]?.value;
const reaches = (id: string, state: unknown) => company.until(`${id} is ${JSON.stringify(state)}`, 30_000, async () => JSON.stringify(await stateOf(id)) === JSON.stringify(state));
const propose = (id: string) => api.post('/api/runs', { machine: 'operation', key: id, input: { id, action: 'mail.send', payload: letter(`${id}@nina.example`), summary: `Say hello ${id}` } });
const asked = (id: string) => company.until('the question', 20_000, async () => (await api.query<{ id: string; data: { payloadHash: string } }[]>('inbox')).find((one) => one.id.startsWith(`ap-${id}-`)));
const approve = async (id: string) => {
  const { id: item, data } = await asked(id);
  await api.post(`/api/inbox/${item}/approve`, { hash: data.payloadHash });
};
const letters = () => (existsSync(join(company.dataDir, 'outbox')) ? readdirSync(join(company.dataDir, 'outbox')).length : 0);
const setMode = (mode: string, more: object = {}) => api.post<ModeState>('/api/connectors/mail/mode', { mode, reason: 'a test', ...more });

const start = async () => {
  ({ api: base } = await company.up());
  token = readFileSync(join(company.dataDir, 'token'), 'utf8').trim();
  api = openApi(company.dataDir);
};

before(async () => {
  company = makeCompany();
  await company.cli('init', company.dataDir);
  mkdirSync(join(company.dataDir, 'schedules'), { recursive: true });
  writeFileSync(join(company.dataDir, 'schedules', 'daily.json'), JSON.stringify({ name: 'daily', cron: '0 9 * * *', timeZone: 'Europe/Berlin', missed: 'once', wake: { to: 'mail/overview', type: 'TICK' } }));
  await start();
}, { timeout: 60_000 });
after(() => company.remove());

test('what was proposed in the sandbox stays dry, what was approved in earnest waits until the connector is live, and neither is sent twice', { timeout: 90_000 }, async () => {
  await propose('earnest');
  await asked('earnest');
  await setMode('sandbox');
  await approve('earnest');
  await reaches('earnest', { prepared: 'halted' });
  await propose('tried');
  await approve('tried');
  await reaches('tried', 'dry-run');
  assert.equal(letters(), 0, 'nothing left');
  const mail = (await ask<ConnectorView[]>('/api/connectors')).find(({ name }) => name === 'mail')!;
  assert.deepEqual([mail.mode, mail.reason, mail.ended], ['sandbox', 'a test', { 'dry-run': 1 }]);

  await assert.rejects(setMode('live'), /BAD_ARGUMENT going live must be confirmed with the connector's name, 'mail'/);
  await assert.rejects(setMode('live', { confirm: 'payments' }), /BAD_ARGUMENT/);
  assert.equal((await setMode('live', { confirm: 'mail', commandId: 'once' })).mode, 'live');
  assert.equal((await setMode('live', { confirm: 'mail', commandId: 'once' })).mode, 'live', 'the same command again is the same');
  await reaches('earnest', 'done');
  assert.equal(letters(), 1);
  assert.equal(await stateOf('tried'), 'dry-run');
  const said = await api.query<{ what: string; outcome: string }[]>('decisions', { what: 'connector' });
  assert.deepEqual(said.map(({ outcome }) => outcome), ['live', 'sandbox']);
});

test('the sandbox outlives a restart, is switched by the command line too, and is the operator\'s alone', { timeout: 90_000 }, async () => {
  const [first] = await company.json<ConnectorView[]>('connectors', 'list');
  assert.deepEqual([first!.name, first!.mode], ['mail', 'live']);
  assert.match((await company.cli('connectors', 'sandbox', 'mail', '--reason', 'trying out')).stdout, /mail is in the sandbox/);
  await company.kill();
  await start();
  await propose('afterwards');
  await approve('afterwards');
  await reaches('afterwards', 'dry-run');
  assert.match((await company.cli('connectors')).stdout, /mail\s+sandbox.*trying out/);
  assert.match((await company.cli('connectors', 'live', 'nobody')).stderr, /no connector 'nobody' is set up/);
  const automation = readFileSync(join(company.dataDir, 'automation-token'), 'utf8').trim();
  const tried = await fetch(`${base}/api/connectors/mail/mode`, { method: 'POST', headers: { authorization: `Bearer ${automation}`, 'content-type': 'application/json' }, body: JSON.stringify({ mode: 'live', confirm: 'mail' }) });
  assert.equal(tried.status, 403);
  assert.match((await company.cli('connectors', 'live', 'mail')).stdout, /mail is live/);
});

test('connectors that are not set up say what they lack, by name and without a value', async () => {
  const all = await ask<ConnectorView[]>('/api/connectors');
  const payments = all.find(({ name }) => name === 'payments')!;
  assert.deepEqual([payments.isSetUp, payments.settings, payments.secrets], [false, 'connectors/payments.json', [{ name: 'STRIPE_SECRET_KEY', isSet: false }, { name: 'STRIPE_WEBHOOK_SECRET', isSet: false }]]);
  await assert.rejects(api.post('/api/connectors/payments/mode', { mode: 'sandbox' }), /NOT_FOUND no connector 'payments' is set up/);
  assert.ok(all.find(({ name }) => name === 'mail')!.actions.some(({ name, money, idempotency }) => name === 'mail.send' && !money && idempotency === 'native'));
});

test('a draft is read with file and line, answers what it would have answered, and changes nothing', async () => {
  await assert.rejects(api.post('/api/policies/test', { files: { mine: '@id("a")\n@why("b")\npermit (' } }), /BAD_ARGUMENT policies\/mine\.cedar, line 3/);
  const view = await ask<PolicyView>('/api/policies');
  const tested = await api.post<Tested>('/api/policies/test', { files: { mine: '@id("never")\n@why("Nothing leaves.")\nforbid (principal, action in Action::"writes", resource);' } });
  assert.deepEqual([tested.operations, tested.changed.map(({ before: now, after: then, rule }) => [now, then, rule])], [3, Array.from({ length: 3 }, () => ['ask', 'deny', 'never'])]);
  assert.deepEqual([(await ask<PolicyView>('/api/policies')).version, view.problem, view.folder], [view.version, null, null]);
  assert.deepEqual(view.rules.filter(({ fired }) => fired > 0).map(({ id, fired }) => [id, fired]), [['ask-to-write', 3]]);
  assert.deepEqual(view.caps.map(({ currency, usedMinor }) => [currency, usedMinor]), [['EUR', 0], ['GBP', 0]]);
});

test('decisions are found by agent, outcome, rule and version of the policies', async () => {
  const count = async (args: object) => (await api.query<unknown[]>('decisions', { what: 'policy', ...args })).length;
  const [newest] = await api.query<{ policy: { id: string; version: string; rule: string } }[]>('decisions', { what: 'policy' });
  const { id: policy, version, rule } = newest!.policy;
  assert.deepEqual(await Promise.all([{}, { type: 'operation' }, { type: 'mail' }, { outcome: 'ask' }, { outcome: 'deny' }, { policy, version, rule }, { rule: 'no-such' }, { version: '0' }].map(count)), [3, 3, 0, 3, 0, 3, 0, 0]);
});

test('schedules say when they come, and stand still while they are paused', async () => {
  const daily = await company.until('the schedule waits', 20_000, async () => (await ask<ScheduleRow[]>('/api/schedules')).find(({ state }) => state === 'waiting'));
  assert.match(daily.next!, /T0[78]:00:00\.000Z$/);
  const order = (what: object) => api.post('/api/actors/schedule%2Fdaily/order', { order: what });
  await order({ do: 'pause', reason: 'holidays' });
  const [held] = await ask<ScheduleRow[]>('/api/schedules');
  assert.deepEqual([held!.state, held!.next, held!.problem], ['held', null, 'holidays']);
  await order({ do: 'resume' });
  assert.equal((await ask<ScheduleRow[]>('/api/schedules'))[0]!.problem, '');
});

test('the chain is verified, exports and backups go into the company folder under names of their own, and settings hold no secret', { timeout: 60_000 }, async () => {
  const [one, other] = await Promise.all([api.post<{ ok: boolean; rows: number }>('/api/audit/verify', {}), api.post<{ ok: boolean }>('/api/audit/verify', {})]);
  assert.deepEqual([one.ok, other.ok, one.rows > 20], [true, true, true]);
  const { exported } = await api.post<{ exported: string }>('/api/export', { dir: '/elsewhere' });
  assert.match(exported.slice(company.dataDir.length), /^\/exports\/\d{4}-\d\d-\d\d-1$/);
  const made = [await api.post<{ backup: string }>('/api/backup', {}), await api.post<{ backup: string }>('/api/backup', {})].map(({ backup }) => backup);
  assert.deepEqual(made.map((file) => /\/backups\/\d{4}-\d\d-\d\d-(\d)\.db$/.exec(file)?.[1]), ['1', '2']);
  const settings = await ask<CompanyView>('/api/settings');
  assert.deepEqual([settings.copies.map(({ path, isThere }) => [path, isThere]), settings.paused, settings.erasing], [[...made.toReversed(), exported].map((path) => [path, true]), null, []]);
  assert.ok(!JSON.stringify(settings).includes(token));
});

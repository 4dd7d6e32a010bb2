// Goal: the bus is transport. Method: stop the server with work in hand, delete the JetStream directory, start it again.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { generateMails } from '#test/kit/mails.ts';
import { makeCompany } from '#test/kit/server.ts';
import { assertIntact, quiet, type InboxItem, type Op, type Status } from './checks.ts';

test('everything goes on after the JetStream directory was deleted', { timeout: 180_000 }, async (t) => {
  const company = makeCompany();
  t.after(() => company.remove());
  const folder = join(company.dataDir, '..', 'mail');
  mkdirSync(folder);
  for (const { name, raw } of generateMails(100, 7)) writeFileSync(join(folder, `${name}.eml`), raw);
  await company.up();
  await company.json('mail', 'import', folder);
  await company.kill();
  const before = await company.json<Status>('status');
  assert.ok(before.inFlight > 0, 'work was in hand when the server was killed');
  rmSync(join(company.dataDir, 'jetstream'), { recursive: true });

  await company.up();
  const status = await quiet(company);
  assert.equal(status.mails, 100);
  const item = (await company.json<InboxItem[]>('inbox')).find((i) => i.kind === 'approval');
  await company.json('approve', item!.id);
  await quiet(company);
  assert.ok((await company.json<Op[]>('ops')).some((op) => op.state === 'done'));
  await assertIntact(company);
});

test('work goes on when nats-server is killed under the running server', { timeout: 180_000 }, async (t) => {
  const company = makeCompany();
  t.after(() => company.remove());
  const folder = join(company.dataDir, '..', 'mail');
  mkdirSync(folder);
  for (const { name, raw } of generateMails(100, 8)) writeFileSync(join(folder, `${name}.eml`), raw);
  await company.up();
  const importing = company.json<{ imported: number }>('mail', 'import', folder);
  const natsPid = () => Number(readFileSync(join(company.dataDir, 'nats.pid'), 'utf8'));
  const first = natsPid();
  await company.until('mail comes in', 20_000, async () => (await company.json<Status>('status')).mails > 10);
  process.kill(first, 'SIGKILL');
  assert.equal((await importing).imported, 100);
  await company.until('another nats-server runs', 20_000, async () => natsPid() !== first);
  const status = await quiet(company, 150_000);
  assert.equal(status.mails, 100);
  assert.equal(status.failed, 0);
  await assertIntact(company);
  assert.equal(await company.down(), 0);
});

// The same with the company's own machines: `keelson up` and `keelson up --role worker` on one folder, killed, paused and stopped.
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { generateMails } from '#test/kit/mails.ts';
import { makeCompany, type Company } from '#test/kit/server.ts';
import { assertIntact, quiet, type Status } from './checks.ts';

const cliFile = fileURLToPath(import.meta.resolve('#supervisor/cli.ts'));

async function startWorker(t: TestContext, company: Company): Promise<{ child: ChildProcess; run: { role: string; pid: number }; said(): string }> {
  const child = spawn(process.execPath, [cliFile, 'up', '--role', 'worker', '--json', '--data', company.dataDir]);
  t.after(() => child.kill('SIGKILL'));
  let said = '';
  child.stderr.on('data', (chunk) => (said += chunk));
  const failed = once(child, 'exit').then(() => assert.fail(`the worker ended: ${said}`));
  const [line] = (await Promise.race([once(child.stdout, 'data'), failed])) as [Buffer];
  failed.catch(() => {});
  return { child, run: JSON.parse(String(line)) as { role: string; pid: number }, said: () => said };
}

test('mails are done once each while workers join, are killed by kill -9 and stop', { timeout: 180_000 }, async (t) => {
  const company = makeCompany();
  t.after(() => company.remove());
  const folder = join(company.dataDir, '..', 'mail');
  mkdirSync(folder);
  for (const { name, raw } of generateMails(80, 9)) writeFileSync(join(folder, `${name}.eml`), raw);
  const server = await company.up();
  const killed = await startWorker(t, company);
  assert.notEqual(killed.run.pid, server.pid);
  assert.equal(killed.run.role, 'worker');
  const importing = company.json<{ imported: number }>('mail', 'import', folder);
  await company.until('mail comes in', 30_000, async () => (await company.json<Status>('status')).mails > 5);
  killed.child.kill('SIGKILL');
  const clean = await startWorker(t, company);
  assert.equal((await importing).imported, 80);
  clean.child.kill('SIGTERM');
  assert.deepEqual(await once(clean.child, 'exit'), [0, null]);
  const status = await quiet(company);
  assert.deepEqual([status.mails, status.failed, status.parked], [80, 0, 0]);
  await assertIntact(company);
});

test('a worker obeys the pause of the company, waits for a server that is away, and stops when it is told so', { timeout: 120_000 }, async (t) => {
  const company = makeCompany();
  t.after(() => company.remove());
  await company.up();
  const { child, said } = await startWorker(t, company);
  await company.json('pause');
  await company.until('the worker pauses', 20_000, async () => /this worker does nothing until/.test(said()));
  await company.json('resume');
  await company.until('the worker goes on', 20_000, async () => /This worker goes on/.test(said()));
  await company.kill();
  await company.until('the worker waits', 20_000, async () => /server is away/.test(said()));
  assert.equal(child.exitCode, null);
  child.kill('SIGTERM');
  assert.deepEqual(await once(child, 'exit'), [0, null]);
});

test('without a server there is nothing to join, and another role is no role', async (t) => {
  const company = makeCompany();
  t.after(() => company.remove());
  await company.cli('init', company.dataDir);
  const alone = await company.cli('up', '--role', 'worker', '--json');
  assert.equal((JSON.parse(alone.stderr) as { error: { code: string } }).error.code, 'NOT_RUNNING');
  const wrong = await company.cli('up', '--role', 'boss', '--json');
  assert.equal((JSON.parse(wrong.stderr) as { error: { code: string } }).error.code, 'BAD_ARGUMENT');
});

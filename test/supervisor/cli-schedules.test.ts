// Goal: a file in schedules/ of a real company is read at the start and shown; a wrong one stops the start in one line. Method: the
// server in a child process, driven by the command line.
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeCompany } from '#test/kit/server.ts';

interface Shown { name: string; cron: string; timeZone: string; next: string; last: string | null; missed: string; state: string; target: string }

test('schedules are read at the start, shown with their next time, and gone when their file is', async (t) => {
  const company = makeCompany();
  t.after(() => company.remove());
  assert.equal((await company.cli('init', company.dataDir)).code, 0);
  const file = join(company.dataDir, 'schedules', 'daily.json');
  const daily = { name: 'daily', cron: '0 9 * * *', timeZone: 'Europe/Berlin', missed: 'once', wake: { to: 'mail/overview', type: 'TICK' } };
  mkdirSync(join(company.dataDir, 'schedules'));

  writeFileSync(file, JSON.stringify({ ...daily, timeZone: 'Europe/Atlantis' }));
  const wrong = await company.cli('up');
  assert.equal(wrong.code, 1);
  assert.match(wrong.stderr, /^keelson: schedules\/daily\.json: timeZone: 'Europe\/Atlantis' is no time zone/m);
  assert.doesNotMatch(wrong.stderr, /\n\s+at /);

  writeFileSync(file, JSON.stringify(daily));
  await company.up();
  const [shown] = await company.until('the next time', 20_000, async () => {
    const all = await company.json<Shown[]>('schedules');
    return all[0]?.next ? all : null;
  });
  const { next, ...rest } = shown!;
  assert.deepEqual(rest, { name: 'daily', cron: '0 9 * * *', timeZone: 'Europe/Berlin', last: null, missed: 'once', state: 'waiting', target: 'TICK to mail/overview' });
  assert.match(next, /T0[78]:00:00\.000Z$/);
  assert.match((await company.cli('schedules')).stdout, /daily\s+0 9 \* \* \*\s+Europe\/Berlin/);
  await company.kill();

  rmSync(file);
  await company.up();
  await company.until('it is gone', 20_000, async () => (await company.json<Shown[]>('schedules')).length === 0);
  assert.equal(await company.down(), 0);
});

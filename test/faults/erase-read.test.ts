// Goal: a company starts and works while a tool reads its database file, also when an erasure was begun before, and the operator
// sees that it is not finished. Method: the real server, an erasure killed after its rows, a reader with an open transaction.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { openDatabase } from '#store/database.ts';
import { makeCompany } from '#test/kit/server.ts';
import { quiet } from './checks.ts';

const anna = 'anna.marker@example.org';

test('an erasure that a reader holds up is shown until it is finished, and stops nothing', { timeout: 120_000 }, async (t) => {
  const company = makeCompany();
  t.after(() => company.remove());
  await company.up();
  const mail = join(company.dataDir, '..', 'mail');
  mkdirSync(mail);
  writeFileSync(join(mail, '1.eml'), `From: Anna <${anna}>\r\nTo: hello@studio.example\r\nSubject: Hello\r\nMessage-ID: <1@example.org>\r\n\r\nWhat does a logo cost? ZqMarker\r\n`);
  await company.json('mail', 'import', mail);
  await quiet(company);
  await company.down();
  const { signal } = spawnSync(process.execPath, [fileURLToPath(new URL('erase-killed.ts', import.meta.url)), company.dataDir, anna, 'rows']);
  assert.equal(signal, 'SIGKILL');

  const reader = await openDatabase(join(company.dataDir, 'keelson.db'), { readOnly: true });
  await reader.exec('BEGIN');
  await reader.all('SELECT count(*) FROM fact');
  await company.up();
  assert.equal((await company.json<{ erasing: number }>('status')).erasing, 1);
  assert.match((await company.cli('status')).stdout, /unfinished erasures: 1;/);
  const doctor = await company.cli('doctor');
  assert.equal(doctor.code, 1);
  assert.match(doctor.stdout, /FAIL +erasures +1 begun and not finished/);

  await reader.exec('COMMIT');
  await reader.close();
  await company.json('erase', anna); // not to wait for the minute
  assert.equal((await company.json<{ erasing: number }>('status')).erasing, 0);
  assert.match((await company.cli('doctor')).stdout, /ok +erasures +none is unfinished/);
  for (const end of ['', '-wal']) assert.doesNotMatch(readFileSync(join(company.dataDir, `keelson.db${end}`), 'latin1'), /ZqMarker|anna\.marker@/);
  assert.equal(await company.down(), 0);
});

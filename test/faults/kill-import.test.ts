// Goal: nothing is lost, done twice or half done when the server is killed at any moment while mail comes in.
// Method: import 200 generated mails, kill -9 the server at seeded moments (ten with KEELSON_TEST_FULL=1), start it again, then check everything.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { generateMails } from '#test/kit/mails.ts';
import { makeCompany, seeded } from '#test/kit/server.ts';
import { takesAll } from '#test/kit/todays-share.ts';
import { assertIntact, quiet } from './checks.ts';

const mails = 200;
const kills = takesAll ? 10 : 4;
const killWithinMs = 2_500;
const seed = Number(process.env['KEELSON_TEST_SEED'] ?? 1);

test(`200 mails survive ${kills} kills of the server (seed ${seed})`, { timeout: 300_000 }, async (t) => {
  const random = seeded(seed);
  const company = makeCompany();
  t.after(() => company.remove());
  const folder = join(company.dataDir, '..', 'mail');
  mkdirSync(folder);
  for (const { name, raw } of generateMails(mails, seed)) writeFileSync(join(folder, `${name}.eml`), raw);

  for (let round = 0; round < kills; round++) {
    await company.up();
    const importing = company.cli('mail', 'import', folder);
    await new Promise((done) => setTimeout(done, random() * killWithinMs));
    await company.kill();
    await importing; // ends with an error when the server died under it; what was answered before is kept
  }
  await company.up();
  const last = await company.json<{ imported: number; duplicates: number; rejected: unknown[] }>('mail', 'import', folder);
  assert.equal(last.imported + last.duplicates, mails);
  assert.deepEqual(last.rejected, []);
  const status = await quiet(company);
  assert.equal(status.mails, mails);
  assert.equal(status.parked, 0);
  assert.equal(status.failed, 0);
  const actors = await assertIntact(company);
  t.diagnostic(`${actors} actors replayed; ${status.received} received = ${status.applied} applied + ${status.duplicate} duplicate`);
  assert.equal(await company.down(), 0);
});

import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { writeEml } from '#connectors/mail/outbox.ts';
import { KeelsonError } from '#machines/errors.ts';

const bytes = Buffer.from('Subject: Hi\r\n\r\nHello\r\n');

function outboxIn(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'keelson-outbox-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'outbox');
}

test('a mail is written whole under a name made from its operation, and nothing else is left behind', async (t) => {
  const outbox = outboxIn(t);
  const path = await writeEml(outbox, 'send-12', bytes);
  assert.ok(readFileSync(path).equals(bytes));
  assert.match(basename(path), /^send-12-[0-9a-f]{12}\.eml$/);
  assert.deepEqual(readdirSync(outbox), [basename(path)]);
});

test('writing the same operation again, also at the same time, changes nothing', async (t) => {
  const outbox = outboxIn(t);
  const paths = await Promise.all(Array.from({ length: 10 }, () => writeEml(outbox, 'op', bytes)));
  assert.equal(new Set([...paths, await writeEml(outbox, 'op', bytes)]).size, 1);
  assert.equal(readdirSync(outbox).length, 1);
});

test('other bytes under the same operation are refused and the first ones stay', async (t) => {
  const outbox = outboxIn(t);
  const path = await writeEml(outbox, 'op', bytes);
  await assert.rejects(writeEml(outbox, 'op', Buffer.from('other')), (error: unknown) => error instanceof KeelsonError && error.code === 'REFUSED');
  assert.ok(readFileSync(path).equals(bytes));
});

test('no operation id leads out of the outbox or to the file of another', async (t) => {
  const outbox = outboxIn(t);
  const ids = ['../../etc/passwd', 'a/b', 'a-b', 'a\0b', '', '.', '..', 'x'.repeat(5_000), 'ü', 'mail/ann#1.2', 'A', 'a'];
  const paths = await Promise.all(ids.map((id) => writeEml(outbox, id, bytes)));
  assert.ok(paths.every((path) => dirname(path) === outbox));
  assert.equal(new Set(paths.map((path) => path.toLowerCase())).size, ids.length);
});

test('an outbox that cannot be written to defers the mail', async (t) => {
  const outbox = outboxIn(t);
  writeFileSync(outbox, 'a file where the folder should be');
  await assert.rejects(writeEml(outbox, 'op', bytes), (error: unknown) => error instanceof KeelsonError && error.code === 'SEND_DEFERRED');
});

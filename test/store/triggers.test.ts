// Goal: every matching change leads to one message, whether the trigger was in force, away or interrupted. Method: a store on a real
// file, stopped and opened again with other triggers.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { silentLog } from '#actors/log.ts';
import type { Commit } from '#machines/commit.ts';
import type { Message } from '#machines/message.ts';
import { changesOf, parseTrigger, type Change, type Trigger } from '#machines/triggers.ts';
import { createCommitter, type Committer } from '#store/commit.ts';
import { nextEpoch } from '#store/lock.ts';
import { migrate } from '#store/migrate.ts';
import { createTriggers, putInForce } from '#store/triggers.ts';
import { verifyAudit } from '#store/verify.ts';
import { commitOf, messageOf, openTemp, stepOf, tempDir } from './temp-store.ts';

const nowMs = 1_790_000_000_000;
const invoices = parseTrigger({ name: 'invoices', on: 'fact', predicate: 'invoice', where: [{ path: 'amountMinor', is: 'gt', value: 1_000 }], start: { machine: 'dunning@1' } });
const fromBeginning: Trigger = { ...invoices, from: 'beginning' };
const invoice = (amountMinor: number) => ({ entity: 'organisation/acme', predicate: 'invoice', value: { amountMinor }, label: 'system' as const, confidence: 1 });
const record = (id: string, ...amounts: number[]): Commit => commitOf(id, { facts: amounts.map(invoice) });

/** Opens the store with these triggers. `crashAfter`: the process dies before that commit of the catching up (from 0). */
async function open(dir: string, triggers: Trigger[], { crashAfter = Infinity } = {}) {
  const db = await openTemp(join(dir, 'keelson.db'));
  await migrate(db);
  const sent: Message[] = [];
  const committer = await createCommitter(db, await nextEpoch(db), { onWritten: (accepted) => void sent.push(...accepted.flatMap(({ sends }) => sends)), triggered: createTriggers(triggers, silentLog) });
  let commits = 0;
  const dying: Pick<Committer, 'commit' | 'exclusively'> = { exclusively: committer.exclusively, commit: (commit) => (commits++ >= crashAfter ? Promise.reject(new Error('died')) : committer.commit(commit)) };
  const caughtUp = putInForce({ database: db, committer: dying, triggers, nowMs });
  const promised = await caughtUp.catch((error: Error) => error.message);
  const outbox = async () => (await db.all<{ id: string }>("SELECT id FROM outbox WHERE id LIKE 'trigger:%' ORDER BY n")).map(({ id }) => id);
  const watch = async () => (await db.all<{ until: number | null }>('SELECT until_seq AS until FROM watch ORDER BY name')).map(({ until }) => until);
  return { db, committer, sent, promised, outbox, watch };
}
const id = (change: string, name = 'invoices') => `trigger:${name}#${change}`;

test('a matching change leads to one message in the same commit, others to none', async () => {
  const { committer, db, sent, outbox } = await open(tempDir(), [invoices]);
  await committer.commit(commitOf('c1', { facts: [invoice(500), invoice(2_000), { ...invoice(3_000), predicate: 'receipt' }], sends: [messageOf('own')] }));
  assert.deepEqual(sent.map((message) => message.id), ['own', id('f-1-1')]);
  assert.deepEqual(await outbox(), [id('f-1-1')]);
  const [row] = await db.all('SELECT receiver, sender, cause, due_ms, body FROM outbox WHERE id = ?', id('f-1-1'));
  assert.deepEqual({ ...row, body: JSON.parse(row!['body'] as string) as unknown }, {
    receiver: 'dunning/invoices-f-1-1', sender: 'store/triggers', cause: 'c1', due_ms: null,
    body: { kind: 'start', machine: 'dunning@1', input: { change: { kind: 'fact', id: 'f-1-1', seq: 1, atMs: nowMs, actor: 'order/1', entity: 'organisation/acme', predicate: 'invoice', value: { amountMinor: 2_000 }, label: 'system', confidence: 1, source: null } } },
  });
});

test('a commit that comes twice, or is not written, fires once and not at all', async () => {
  const { committer, outbox } = await open(tempDir(), [invoices]);
  await Promise.all([committer.commit(record('c1', 2_000)), committer.commit(record('c1', 2_000))]);
  await committer.commit(record('c1', 2_000));
  await committer.commit({ ...record('c2', 2_000), requires: 'nothing' });
  await committer.commit({ ...record('c3', 2_000), step: stepOf(5) });
  assert.deepEqual(await outbox(), [id('f-1-0')]);
});

test('two triggers fire for one change, each in its own name', async () => {
  const other = parseTrigger({ name: 'any', on: 'fact', wake: { to: 'desk/1', type: 'LOOK' } });
  const { committer, outbox } = await open(tempDir(), [invoices, other]);
  await committer.commit(record('c1', 2_000));
  assert.deepEqual(await outbox(), [id('f-1-0'), id('f-1-0', 'any')]);
});

test('what a started actor records does not fire its own trigger, and fires another', async () => {
  const other = parseTrigger({ ...invoices, name: 'second' });
  const { committer, outbox } = await open(tempDir(), [invoices, other]);
  await committer.commit({ ...record('c1', 2_000), actor: 'dunning/invoices-f-1-0' });
  assert.deepEqual(await outbox(), [id('f-1-0', 'second')]);
});

test('a trigger that throws does not stop the commit', async () => {
  const errors: object[] = [];
  const broken = { ...invoices, where: [{ path: { split: () => { throw new Error('no'); } }, is: 'eq', value: 1 }] } as unknown as Trigger;
  const triggered = createTriggers([broken], { ...silentLog, error: (what: object) => void errors.push(what) } as typeof silentLog);
  assert.deepEqual(triggered(record('c1', 2_000), 1), []);
  assert.equal(errors.length, 1);
});

test('a new trigger looks at nothing that is there, or at everything', async () => {
  const dir = tempDir();
  const before = await open(dir, []);
  for (const name of ['c1', 'c2']) await before.committer.commit(record(name, 2_000));
  await before.db.close();
  const { promised, outbox, watch } = await open(dir, [invoices, { ...fromBeginning, name: 'all' }]);
  assert.equal(promised, 2);
  assert.deepEqual(await outbox(), [id('f-1-0', 'all'), id('f-2-0', 'all')]);
  assert.deepEqual(await watch(), [null, null]);
});

test('what was recorded while a trigger was away is caught up with, once', async () => {
  const dir = tempDir();
  const first = await open(dir, [invoices]);
  await first.committer.commit(record('c1', 2_000));
  await first.db.close();
  const without = await open(dir, []);
  assert.deepEqual(await without.watch(), [1]);
  await without.committer.commit(record('c2', 2_000, 10, 3_000));
  await without.db.close();
  const again = await open(dir, [invoices]);
  assert.equal(again.promised, 2);
  await again.committer.commit(record('c4', 2_000));
  await again.db.close();
  const last = await open(dir, [invoices]);
  assert.equal(last.promised, 0, 'it was in force');
  assert.deepEqual(await last.outbox(), ['f-1-0', 'f-2-0', 'f-2-2', 'f-4-0'].map((change) => id(change)));
  assert.deepEqual((await verifyAudit(last.db)).firstBad, undefined);
});

test('another definition under the same name goes on where the old one stopped', async () => {
  const dir = tempDir();
  const first = await open(dir, [invoices]);
  await first.committer.commit(record('c1', 2_000));
  await first.db.close();
  const smaller = parseTrigger({ ...invoices, where: [], from: 'beginning' });
  const second = await open(dir, [smaller]);
  assert.equal(second.promised, 0, 'the past belongs to the old one');
  await second.committer.commit(record('c2', 10));
  assert.deepEqual(await second.outbox(), [id('f-1-0'), id('f-2-0')]);
  await second.db.close();
  const without = await open(dir, []);
  await without.committer.commit(record('c3', 10));
  await without.db.close();
  const third = await open(dir, [invoices]);
  assert.equal(third.promised, 0, 'what it missed is looked at with the definition of today');
  assert.deepEqual(await third.watch(), [null]);
});

test('4,000 changes are caught up with in order, in pages of whole commits', async () => {
  const dir = tempDir();
  const before = await open(dir, []);
  for (let i = 0; i < 10; i++) await before.committer.commit(record(`c${i}`, ...Array.from({ length: 400 }, () => 2_000)));
  await before.db.close();
  const { promised, db, outbox } = await open(dir, [fromBeginning]);
  assert.equal(promised, 4_000);
  assert.deepEqual(await outbox(), Array.from({ length: 4_000 }, (_, i) => id(`f-${Math.floor(i / 400) + 1}-${i % 400}`)));
  assert.deepEqual((await db.all<{ id: string }>("SELECT id FROM journal WHERE actor = 'store/triggers' ORDER BY seq")).map((row) => row.id), ['watch:invoices:0-5', 'watch:invoices:0-5.500', 'watch:invoices:0-5.1000', 'watch:invoices:0-5.1500', 'watch:invoices:5-10', 'watch:invoices:5-10.500', 'watch:invoices:5-10.1000', 'watch:invoices:5-10.1500']);
});

test('catching up that dies anywhere is finished at the next start, with no message lost or twice', async () => {
  for (let crashAfter = 0; crashAfter < 8; crashAfter++) {
    const dir = tempDir();
    const before = await open(dir, []);
    for (let i = 0; i < 10; i++) await before.committer.commit(record(`c${i}`, ...Array.from({ length: 400 }, () => 2_000)));
    await before.db.close();
    const first = await open(dir, [fromBeginning], { crashAfter });
    assert.equal(first.promised, 'died');
    // Some are applied meanwhile: their rows have left the outbox.
    const applied = (await first.outbox()).slice(0, 3);
    for (const one of applied) await first.committer.commit(commitOf(one, { actor: 'dunning/x' }));
    await first.db.close();
    const second = await open(dir, [fromBeginning], { crashAfter: 1 });
    await second.db.close();
    // Away in between, and something is recorded: the pages have other ends now.
    const without = await open(dir, []);
    await without.committer.commit(record('late', 2_000));
    await without.db.close();
    const last = await open(dir, [fromBeginning]);
    const seen = [...applied, ...(await last.outbox())];
    assert.equal(seen.length, 4_001, `crash before commit ${crashAfter}`);
    assert.equal(new Set(seen).size, 4_001);
    assert.deepEqual(await last.watch(), [null]);
    await last.db.close();
  }
});

test('every kind of record is caught up with as it was shown to a trigger in force', async () => {
  const dir = tempDir();
  const before = await open(dir, []);
  const commit = commitOf('c1', {
    facts: [{ ...invoice(1), source: 'mail/1#L2' }, { entity: 'person/anna@example.org', predicate: 'person.name', value: 'Anna', label: 'untrusted', confidence: 0.5 }],
    intents: [{ id: 'q-1', kind: 'question', state: 'input-required', summary: 'Which?', data: { risk: 'low' } }, { id: 'e-1', kind: 'escalation', state: 'submitted' }],
    artifacts: [{ id: 'mail/1', kind: 'mail', mediaType: 'message/rfc822', hash: 'h1', sizeBytes: 3, name: 'a.eml' }, { id: 'mail/2', kind: 'mail', mediaType: 'message/rfc822', hash: 'h1', sizeBytes: 3 }],
    decisions: [{ what: 'send', outcome: 'deny', confidence: 0.5, reasons: ['r'], evidence: [], policy: null, model: null, costMicros: null }],
    annotations: [{ kind: 'correction', target: { kind: 'fact', id: 'f-1-0' }, text: 'no', before: 'a', after: 'b' }],
  });
  await before.committer.commit(commit);
  await before.db.close();
  const kinds = ['fact', 'intent', 'artifact', 'decision', 'annotation'] as const;
  const { db } = await open(dir, kinds.map((on) => parseTrigger({ name: on, on, start: { machine: 'look@1' }, from: 'beginning' })));
  const bodies = await db.all<{ body: string }>("SELECT body FROM outbox WHERE id LIKE 'trigger:%' ORDER BY n");
  const got = bodies.map(({ body }) => (JSON.parse(body) as { input: { change: Change } }).input.change);
  const shown = kinds.flatMap((kind) => changesOf(commit, 1, kind));
  assert.deepEqual(got, JSON.parse(JSON.stringify(shown)));
});

test('a fact of an older version is caught up with in the shape of today', async () => {
  const dir = tempDir();
  const before = await open(dir, []);
  await before.committer.commit(record('c1', 2_000));
  // As an older build would have written it: append-only facts cannot be changed, so it is another row.
  await before.db.run("INSERT INTO fact SELECT n + 1, entity, predicate, 1, value, label, confidence, source, supersedes, valid_from_ms, valid_to_ms, actor, seq, recorded_ms FROM fact");
  await before.db.close();
  const { db } = await open(dir, [fromBeginning]);
  const values = await db.all<{ value: string }>("SELECT body ->> '$.input.change.value' AS value FROM outbox ORDER BY n");
  assert.deepEqual(values.map(({ value }) => JSON.parse(value) as unknown), [{ amountMinor: 2_000 }, { line: null, amountMinor: 2_000 }]);
});

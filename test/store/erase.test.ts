// Goal: a person goes, whatever their address is written like, and nobody else does. Method: small stores of two people, one way of
// being connected at a time; then every byte of the file.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { sha256 } from '#actors/hash.ts';
import type { Commit } from '#machines/commit.ts';
import type { Artifact, Fact } from '#machines/records.ts';
import { backupStore } from '#store/backup.ts';
import { createCommitter } from '#store/commit.ts';
import type { Database } from '#store/database.ts';
import { eraseFromFile } from '#store/erase-copy.ts';
import { erase, findSubject, finishErasure, openErasures } from '#store/erase.ts';
import { runQuery } from '#store/queries.ts';
import { findChangedContent } from '#store/verify-contents.ts';
import { verifyAudit } from '#store/verify.ts';
import { withCode } from '#test/contract/database.ts';
import { commitOf, countRows, openTemp, stepOf, tempStore, type TempStore } from './temp-store.ts';

const nowMs = 1_800_000_000_000;
const anna = 'anna@x.org';
const factOf = (entity: string, predicate: string, value: Fact['value'], more: Partial<Fact> = {}): Fact => ({ entity, predicate, value, label: 'operator', confidence: 1, ...more });
const textOf = (id: string, text: string, kind: Artifact['kind'] = 'mail') => ({ artifacts: [{ id, kind, mediaType: 'text/plain', hash: sha256(text), sizeBytes: Buffer.byteLength(text), text }], blobs: [{ hash: sha256(text), bytes: text }] });
const write = async ({ committer }: TempStore, id: string, parts: Partial<Commit>) => assert.equal((await committer.commit(commitOf(id, parts))).outcome, 'written', id);
/** A mail as intake writes it, and the run that reads it. */
async function receive(store: TempStore, id: string, text: string, facts: Fact[]) {
  await write(store, `in-${id}`, { actor: 'connector/mail', journal: JSON.stringify({ received: id, text }), ...textOf(id, text) });
  await write(store, `run-${id}`, { actor: `mail/${id}`, journal: JSON.stringify({ text }), step: stepOf(0, JSON.stringify({ context: { text } })), facts: facts.map((fact) => ({ ...fact, source: `${id}#L1` })) });
}
async function eraseFor({ db, committer }: Pick<TempStore, 'db' | 'committer'>, subject: string, id = 'e1') {
  const plan = await erase(db, committer, { id, ...(await findSubject(db, subject)) }, nowMs);
  await finishErasure(db, committer, id);
  assert.deepEqual(await openErasures(db), []);
  assert.deepEqual([(await verifyAudit(db)).firstBad, await findChangedContent(db)], [undefined, null]);
  return plan.counts;
}
const bytesOf = ({ dir }: Pick<TempStore, 'dir'>) => ['', '-wal'].map((end) => readFileSync(join(dir, `keelson.db${end}`)).toString('latin1').toLowerCase()).join('');
const assertNoByte = (store: Pick<TempStore, 'dir'>, ...texts: string[]) => {
  const bytes = bytesOf(store);
  for (const text of texts) assert.equal(bytes.includes(text.toLowerCase()), false, `${text} is still in the file`);
};
const textsOf = async (db: Database) => (await db.all<{ text: string }>('SELECT text FROM search')).map(({ text }) => text).join('\n');

test('a person who is known under two addresses is erased under both', async () => {
  const store = await tempStore();
  await receive(store, 'm1', 'from the first: Zq1', [factOf(`person/${anna}`, 'name', 'Anna Zq2', { label: 'untrusted' })]);
  await receive(store, 'm2', 'from the second: Zq3', [factOf('person/anna@work.example', 'name', 'Anna Zq4', { label: 'untrusted' })]);
  await write(store, 'known', { actor: 'operator/console', facts: [factOf(`person/${anna}`, 'person.email', 'Anna@Work.example')] });
  await write(store, 'bob', { facts: [factOf('person/bob@y.org', 'note', `asked anna@work.example and ${anna}`)] });
  await eraseFor(store, anna);
  assertNoByte(store, 'Zq1', 'Zq2', 'Zq3', 'Zq4', anna, 'anna@work.example');
  assert.deepEqual(await store.db.all('SELECT entity, value FROM fact'), [{ entity: 'person/bob@y.org', value: '"asked [erased] and [erased]"' }]);
});

test('a person is found by an address that only a fact names', async () => {
  const store = await tempStore();
  await write(store, 'known', { facts: [factOf(`person/${anna}`, 'person.email', 'Anna@Work.example')] });
  assert.deepEqual(await findSubject(store.db, 'ANNA@work.example'), { entity: `person/${anna}`, addresses: [anna, 'anna@work.example'] });
});

test('whoever writes that the address of another is theirs does not take that person along', async () => {
  const store = await tempStore();
  await receive(store, 'm1', 'write to bob@y.org', [factOf(`person/${anna}`, 'person.email', 'bob@y.org', { label: 'untrusted' })]);
  await receive(store, 'm2', 'a mail of Bob', [factOf('person/bob@y.org', 'name', 'Bob')]);
  await eraseFor(store, anna);
  assert.deepEqual(await store.db.all('SELECT entity, predicate FROM fact'), [{ entity: 'person/bob@y.org', predicate: 'name' }]);
  assert.match(await textsOf(store.db), /a mail of Bob/);
});

test('an address inside another one is left alone', async () => {
  const store = await tempStore();
  const others = ['joanna@x.org', 'j.anna@x.org', 'jo+anna@x.org', 'anna@x.org.uk', 'anna@x.organic', 'anna@x.org-y.net'];
  await write(store, 'anna', { facts: [factOf(`person/${anna}`, 'name', 'Anna')] });
  for (const other of others) await write(store, other, { facts: [factOf(`person/${other}`, 'note', `is ${other}`)], ...textOf(`t-${other}`, `to ${other}.`), annotations: [{ kind: 'remark', target: { kind: 'entity', id: `person/${other}` }, text: `about ${other}` }] });
  await write(store, 'parked', { outcome: 'parked', parked: { subject: 'ks.x', reason: 'unreadable', bytes: Buffer.from('from joanna@x.org') } });
  await write(store, 'parked-too', { outcome: 'parked', parked: { subject: 'ks.x', reason: 'unreadable', bytes: Buffer.from(`from ${anna}`) } });
  const before = await textsOf(store.db);
  const counts = await eraseFor(store, anna);
  assert.deepEqual([counts.facts, counts.mentions], [1, 1], 'her fact, and the parked message');
  assert.equal(`${before}\n`.replace(/^.*person\/anna@x\.org name.*\n/m, ''), `${await textsOf(store.db)}\n`);
  assert.deepEqual(await store.db.all('SELECT id FROM parked'), [{ id: 'parked' }]);
  assert.equal(await countRows(store.db, 'entity'), others.length);
});

test('a document that speaks of two people stays with what it says of the other, without the address', async () => {
  const store = await tempStore();
  await receive(store, 'm1', `${anna} recommends bob@y.org, says Bob`, [factOf(`person/${anna}`, 'name', 'Anna Zq1'), factOf('person/bob@y.org', 'name', 'Bob')]);
  await eraseFor(store, anna);
  assertNoByte(store, anna, 'Zq1');
  assert.deepEqual(await store.db.all('SELECT entity, value, source FROM fact'), [{ entity: 'person/bob@y.org', value: '"Bob"', source: 'm1#L1' }]);
  const [kept] = await store.db.all<{ text: string; size_bytes: number }>("SELECT CAST(bytes AS TEXT) AS text, size_bytes FROM artifact JOIN blob USING (hash) WHERE id = 'm1'");
  assert.deepEqual(kept, { text: '[erased] recommends bob@y.org, says Bob', size_bytes: 39 });
  assert.deepEqual(await store.db.all("SELECT status FROM actor WHERE address = 'mail/m1'"), [{ status: 'active' }]);
});

test('a fact without a source that names the person is redacted also when they had documents', async () => {
  const store = await tempStore();
  await receive(store, 'm1', 'a mail', [factOf(`person/${anna}`, 'name', 'Anna')]);
  await write(store, 'bob', { facts: [factOf('person/bob@y.org', 'note', `knows ${anna}`)] });
  await eraseFor(store, anna);
  assert.deepEqual(await store.db.all('SELECT value FROM fact'), [{ value: '"knows [erased]"' }]);
});

test('a run that a trigger started because of the person goes with its children', async () => {
  const store = await tempStore();
  await write(store, 'anna', { facts: [factOf(`person/${anna}`, 'invoice', 5)] });
  const started = (entity: string) => JSON.stringify({ from: 'store/triggers', message: { kind: 'start', machine: 'order@1', input: { change: { kind: 'fact', entity } } } });
  for (const [address, entity] of [['order/a', `person/${anna}`], ['order/b', 'person/bob@y.org']] as const) {
    await write(store, address, { actor: address, journal: started(entity), step: stepOf(0, '{"context":{"note":"Zq1"}}') });
    await write(store, `${address}-child`, { actor: `part/${address.slice(6)}`, journal: '{}', step: { ...stepOf(0), parent: address } });
  }
  await eraseFor(store, anna);
  assert.deepEqual((await store.db.all<{ address: string }>("SELECT address FROM actor WHERE status = 'erased' ORDER BY address")).map(({ address }) => address), ['order/a', 'part/a']);
  assert.deepEqual(await store.db.all("SELECT record FROM actor WHERE status <> 'active'"), [{ record: 'null' }, { record: 'null' }]);
  assert.equal(await countRows(store.db, 'actor'), 4);
});

test('a run of somebody else that knows the address goes on without it, and its state is what was committed', async () => {
  const store = await tempStore();
  await write(store, 'anna', { facts: [factOf(`person/${anna}`, 'name', 'Anna')] });
  for (const rev of [0, 1]) {
    const record = JSON.stringify({ context: { cc: anna, rev } });
    await write(store, `run-${rev}`, { actor: 'order/b', journal: JSON.stringify({ state: sha256(record) }), step: stepOf(rev, record) });
  }
  await eraseFor(store, anna);
  assert.deepEqual(await store.db.all("SELECT record, status FROM actor WHERE address = 'order/b'"), [{ record: '{"context":{"cc":"[erased]","rev":1}}', status: 'active' }]);
  assert.equal(await findChangedContent(store.db), null);
});

test('questions about what is true of the person go', async () => {
  const store = await tempStore();
  for (const [i, value] of ['Zq1', 'Zq2'].entries()) await write(store, `a${i}`, { actor: 'operator/console', facts: [factOf(`person/${anna}`, 'nickname', value), factOf('person/bob@y.org', 'nickname', `b${i}`)] });
  assert.equal(await countRows(store.db, 'intent'), 2);
  await eraseFor(store, anna);
  assertNoByte(store, 'Zq1', 'Zq2', anna);
  assert.match((await store.db.all<{ summary: string }>('SELECT summary FROM intent'))[0]!.summary, /bob@y\.org/);
  assert.equal(await countRows(store.db, 'intent'), 1);
});

test('a content that a document of somebody else has too stays', async () => {
  const store = await tempStore();
  await receive(store, 'm1', 'the same words', [factOf(`person/${anna}`, 'name', 'Anna')]);
  await receive(store, 'm2', 'the same words', [factOf('person/bob@y.org', 'name', 'Bob')]);
  await receive(store, 'm3', 'only hers', [factOf(`person/${anna}`, 'name', 'Anna')]);
  await eraseFor(store, anna);
  assert.deepEqual(await store.db.all('SELECT hash FROM blob'), [{ hash: sha256('the same words') }]);
  assert.deepEqual(await store.db.all('SELECT id FROM artifact'), [{ id: 'm2' }]);
});

test('a content that no document names is looked at too', async () => {
  const store = await tempStore();
  await write(store, 'anna', { facts: [factOf(`person/${anna}`, 'name', 'Anna')], blobs: [{ hash: 'nobody-names-it', bytes: `to ${anna}` }, { hash: 'nor-this', bytes: 'to joanna@x.org' }] });
  await eraseFor(store, anna);
  assert.deepEqual(await store.db.all('SELECT hash FROM blob'), [{ hash: 'nor-this' }]);
});

test('asked twice with one id it answers the same counts, also after the end, and writes once', async () => {
  const { db, committer, ...store } = await tempStore();
  await receive({ db, committer, ...store }, 'm1', 'a mail', [factOf(`person/${anna}`, 'name', 'Anna')]);
  const erasure = { id: 'e1', ...(await findSubject(db, anna)) };
  const first = await erase(db, committer, erasure, nowMs);
  assert.ok(first.counts.facts > 0 && first.counts.artifacts > 0);
  assert.deepEqual(await erase(db, committer, erasure, nowMs), first);
  await finishErasure(db, committer, 'e1');
  const rows = await countRows(db, 'journal');
  assert.deepEqual(await erase(db, committer, erasure, nowMs), first);
  assert.deepEqual([await countRows(db, 'journal'), await openErasures(db)], [rows, []]);
});

test('nobody who is not known can be erased', async () => {
  const { db } = await tempStore();
  for (const subject of ['nobody@x.org', 'person/nobody@x.org', 'organisation/none', '', "'"]) await assert.rejects(findSubject(db, subject), withCode('NOT_FOUND', /nobody is known/));
});

test('an organisation loses its facts and remarks; the mails of people stay', async () => {
  const store = await tempStore();
  await receive(store, 'm1', 'I work for Acme', [factOf(`person/${anna}`, 'name', 'Anna'), factOf('organisation/acme', 'name', 'Zq1')]);
  await write(store, 'remark', { actor: 'operator/console', annotations: [{ kind: 'remark', target: { kind: 'entity', id: 'organisation/acme' }, text: 'Zq2' }, { kind: 'remark', target: { kind: 'entity', id: 'organisation/acme-two' }, text: 'another one' }] });
  await eraseFor(store, 'organisation/acme');
  assertNoByte(store, 'Zq1', 'Zq2');
  assert.deepEqual(await store.db.all('SELECT id FROM entity'), [{ id: `person/${anna}` }]);
  assert.deepEqual(await store.db.all('SELECT id FROM artifact'), [{ id: 'm1' }]);
  assert.deepEqual(await store.db.all('SELECT target FROM annotation'), [{ target: 'organisation/acme-two' }]);
  assert.match(await textsOf(store.db), /I work for Acme/);
});

const tampering: [what: string, sql: string][] = [
  ['a body of a row that stayed', "UPDATE journal SET body = '{}' WHERE id = 'bob'"],
  ['a fact that stayed', `UPDATE fact SET value = '"x"' WHERE entity = 'person/bob@y.org'`],
  ['a fact that was added', "INSERT INTO fact SELECT n + 1, entity, predicate, version, value, label, confidence, source, supersedes, valid_from_ms, valid_to_ms, actor, seq, recorded_ms FROM fact"],
  ['a body that goes without being declared', "UPDATE journal SET body = NULL, digest = hash WHERE id = 'bob'"],
  ['what the erasure declared', `UPDATE journal SET body = json_set(body, '$.removed.bodies', json('[[1,9]]')) WHERE actor = 'store/erase'`],
  ['the digest of a body that went', 'UPDATE journal SET digest = hash WHERE body IS NULL'],
];
for (const [what, sql] of tampering) {
  test(`after an erasure the journal verifies, and shows ${what}`, async () => {
    const store = await tempStore();
    await receive(store, 'm1', 'a mail', [factOf(`person/${anna}`, 'name', 'Anna')]);
    await write(store, 'bob', { facts: [factOf('person/bob@y.org', 'name', 'Bob')] });
    await eraseFor(store, anna);
    for (const name of ['journal_is_append_only_update', 'fact_is_append_only_update']) await store.db.exec(`DROP TRIGGER ${name}`);
    await store.db.exec(sql);
    assert.equal((await verifyAudit(store.db)).ok, false);
  });
}

test('nothing is written for an erased actor any more, also after a restart', async () => {
  const store = await tempStore();
  await receive(store, 'm1', 'a mail', [factOf(`person/${anna}`, 'name', 'Anna')]);
  await eraseFor(store, anna);
  const late = commitOf('late', { actor: 'mail/m1', step: stepOf(1), facts: [factOf(`person/${anna}`, 'name', 'Anna')] });
  const restarted = await createCommitter(store.db, store.epoch, { onWritten() {} });
  for (const committer of [store.committer, restarted]) assert.deepEqual(await committer.commit(late), { outcome: 'closed' });
  assert.equal(await countRows(store.db, 'fact'), 0);
});

test('the full-text index finds nothing of it, and holds none of its words', async () => {
  const store = await tempStore();
  await receive(store, 'm1', 'Zqword1 Zqword2', [factOf(`person/${anna}`, 'nickname', 'Zqword3')]);
  await write(store, 'remark', { actor: 'operator/console', annotations: [{ kind: 'remark', target: { kind: 'artifact', id: 'm1' }, text: 'Zqword4' }] });
  for (let i = 0; i < 50; i++) await write(store, `other-${i}`, { ...textOf(`t${i}`, `words of others ${i}`) });
  assert.notDeepEqual(await runQuery(store.db, 'search', { text: 'Zqword1' }), []);
  await eraseFor(store, anna);
  for (const word of ['Zqword1', 'Zqword2', 'Zqword3', 'Zqword4', 'anna']) assert.deepEqual(await runQuery(store.db, 'search', { text: word }), [], word);
  assertNoByte(store, 'zqword', 'qword1');
  await store.db.exec("INSERT INTO search (search) VALUES ('integrity-check')");
});

for (const id of ["person/o'neil@x.org", 'person/a"b@x.org', "person/'; DROP TABLE fact; --@x.org", 'person/50%_off@x.org', 'person/a\\b@x.org', 'person/(.*)+@x.org', 'person/jörg@müller.example']) {
  test(`quotes and patterns in ${id} are harmless`, async () => {
    const store = await tempStore();
    const address = id.slice(7);
    await receive(store, 'm1', `from ${address}`, [factOf(id, 'name', 'Zq1')]);
    await write(store, 'bob', { facts: [factOf('person/bob@y.org', 'note', { about: [address, id] })], ...textOf('t1', `He met ${address}.`), sends: [{ id: 's1', to: 'order/2', from: 'order/1', body: { kind: 'event', event: { type: 'met', who: address, said: JSON.stringify({ address }) } } }] });
    await eraseFor(store, id);
    assertNoByte(store, Buffer.from(address).toString('latin1'), Buffer.from(JSON.stringify(address).slice(1, -1)).toString('latin1'), 'Zq1');
    assert.deepEqual(await store.db.all('SELECT entity, value FROM fact'), [{ entity: 'person/bob@y.org', value: '{"about":["[erased]","person/erased"]}' }]);
    assert.deepEqual(JSON.parse((await store.db.all<{ body: string }>('SELECT body FROM outbox'))[0]!.body), { kind: 'event', event: { type: 'met', who: '[erased]', said: '{"address":"[erased]"}' } });
  });
}

const spellings = ['ANNA@X.ORG', 'Anna@x.Org', 'anna%40x.org', 'anna%40x%2Eorg', 'anna%2540x.org', 'mailto%3Aanna%40x.org%20', '\\nanna@x.org\\n', '\\u003canna@x.org\\u003e', 'anna\\u0040x.org', 'anna&#64;x.org', 'anna=40x.org', '...anna@x.org...', '-anna@x.org', 'person%2Fanna%40x.org', '/person/anna@x.org/facts'];
for (const spelling of spellings) {
  test(`the address is found as ${spelling}`, async () => {
    const store = await tempStore();
    await write(store, 'anna', { facts: [factOf(`person/${anna}`, 'name', 'Anna')] });
    await write(store, 'bob', { journal: JSON.stringify({ said: spelling }), step: stepOf(0, JSON.stringify({ context: spelling })), facts: [factOf('person/bob@y.org', 'note', spelling)], ...textOf('t1', spelling) });
    await eraseFor(store, anna);
    assert.doesNotMatch(bytesOf(store), /anna.{1,8}x.{1,3}org/);
    assert.match((await store.db.all<{ value: string }>('SELECT value FROM fact'))[0]!.value, /erased/);
  });
}

test('a backup that knows the person by another name only is erased from too', async () => {
  const store = await tempStore();
  await write(store, 'bob', { facts: [factOf('person/bob@y.org', 'note', `knows ${anna}`)] });
  const file = join(store.dir, 'backup.db');
  await backupStore({ dataDir: store.dir, file, nowMs });
  assert.equal(await eraseFromFile(file, { id: 'e1', entity: 'person/a@new.example', addresses: ['a@new.example', anna] }, nowMs), true);
  assert.equal(readFileSync(file, 'latin1').includes(anna), false);
  assert.equal(await eraseFromFile(file, { id: 'e2', entity: 'person/a@new.example', addresses: ['a@new.example', anna] }, nowMs), false, 'a second time nothing is left');
});

test('a backup whose erasure died before the old bytes went is finished', async () => {
  const store = await tempStore();
  await write(store, 'anna', { facts: [factOf(`person/${anna}`, 'name', 'Zq1')] });
  const file = join(store.dir, 'backup.db');
  await backupStore({ dataDir: store.dir, file, nowMs });
  const copy = await openTemp(file);
  const committer = await createCommitter(copy, 1, { onWritten() {} });
  const plan = { id: 'e1', ...(await findSubject(copy, anna)) };
  await erase(copy, committer, plan, nowMs);
  await copy.close();
  assert.equal(readFileSync(file, 'latin1').includes(anna), true);
  assert.equal(await eraseFromFile(file, plan, nowMs), true);
  assert.equal(['anna@x.org', 'Zq1'].some((text) => readFileSync(file, 'latin1').includes(text)), false);
});

test('while somebody reads an old state the erasure is not said to be done, and goes on when it is asked for again', async () => {
  const { db, committer, file } = await tempStore();
  await committer.commit(commitOf('c1', { facts: [{ entity: 'person/anna@example.org', predicate: 'person.name', value: 'Anna', label: 'untrusted', confidence: 1 }] }));
  const reader = await openTemp(file, { readOnly: true });
  await db.exec('PRAGMA busy_timeout = 1');
  await reader.exec('BEGIN');
  await reader.all('SELECT count(*) FROM fact');
  const { id } = await erase(db, committer, { id: 'e', entity: 'person/anna@example.org', addresses: ['anna@example.org'] }, 1);
  await assert.rejects(finishErasure(db, committer, id), withCode('STORE_FAILED', /another process reads/));
  assert.equal((await openErasures(db)).length, 1);
  await reader.exec('COMMIT');
  await finishErasure(db, committer, id);
  assert.deepEqual(await openErasures(db), []);
  for (const end of ['', '-wal']) assert.equal(readFileSync(`${file}${end}`, 'latin1').includes('anna@example.org'), false, end);
});

test('what is left of a commit that spoke of somebody else too cannot be changed unseen', async () => {
  const store = await tempStore();
  await write(store, 'c1', { facts: [factOf('person/bob@x.org', 'nickname', `friend of ${anna}`), factOf('person/carl@x.org', 'nickname', 'C'), factOf(`person/${anna}`, 'nickname', 'A')] });
  await erase(store.db, store.committer, { id: 'e', entity: `person/${anna}`, addresses: [anna] }, nowMs);
  await finishErasure(store.db, store.committer, 'e');
  assert.equal((await verifyAudit(store.db)).ok, true);
  await store.db.exec("DROP TRIGGER fact_is_append_only_update; UPDATE fact SET value = '\"forged\"' WHERE entity = 'person/carl@x.org'");
  assert.deepEqual((await verifyAudit(store.db)).firstBad, { seq: 1, reason: 'its records were changed' });
});

test('a backup made while somebody else was being erased is finished for them too', async () => {
  const store = await tempStore();
  await write(store, 'c1', { facts: [factOf('person/bob@x.org', 'nickname', 'B'), factOf(`person/${anna}`, 'nickname', 'A')] });
  await erase(store.db, store.committer, { id: 'bob', entity: 'person/bob@x.org', addresses: ['bob@x.org'] }, nowMs);
  const file = join(store.dir, 'backup.db');
  await backupStore({ dataDir: store.dir, file, nowMs });
  assert.equal(await eraseFromFile(file, { id: 'anna', entity: `person/${anna}`, addresses: [anna] }, nowMs), true);
  const bytes = readFileSync(file, 'latin1');
  assert.deepEqual([bytes.includes('bob@x.org'), bytes.includes(anna)], [false, false]);
});

test('money stays when a person goes: calls of a run that names them are counted under the name that is left', async () => {
  const store = await tempStore();
  const bob = 'bob@y.org';
  const call = (id: string, run: string) => ({ state: 'reserved' as const, id, micros: 100, workflow: 'watch', run, untilMs: nowMs, task: 'triage', tier: 'small', provider: 'p', model: 'm', price: 'list' as const });
  const settled = (id: string, note = '') => ({ state: 'settled' as const, id, micros: 30, outcome: 'answered', inputTokens: 1, outputTokens: 1, note });
  await write(store, 'known', { facts: [factOf(`person/${anna}`, 'name', 'Anna'), factOf(`person/${bob}`, 'name', 'Bob')] });
  await write(store, 'calls', { actor: 'connector/model', spends: [call('a', `watch/${anna}`), call('b', `watch/${anna}`), call('c', `watch/${bob}`), call('d', 'watch/other')] });
  await write(store, 'ends', { actor: 'connector/model', spends: [settled('a'), settled('c', `the provider says: ${anna} is not known`), settled('d')] });
  await write(store, 'answers', { actor: 'connector/model', answers: [{ key: 'k1', task: 'triage', model: 'm', value: JSON.stringify(`Dear ${anna}`) }, { key: 'k2', task: 'triage', model: 'm', value: '"Dear Sir"' }] });
  const company = () => store.db.all("SELECT * FROM balance WHERE scope = 'company' OR scope = 'workflow/watch'");
  const before = await company();
  await eraseFor(store, anna);
  assertNoByte(store, anna);
  const runs = () => store.db.all("SELECT scope, settled, reserved FROM balance WHERE period = 'run' ORDER BY scope");
  assert.deepEqual(await runs(), [{ scope: 'run/watch/[erased]', settled: 30, reserved: 100 }, { scope: `run/watch/${bob}`, settled: 30, reserved: 0 }, { scope: 'run/watch/other', settled: 30, reserved: 0 }]);
  assert.deepEqual(await store.db.all('SELECT id, run FROM reservation'), [{ id: 'b', run: 'watch/[erased]' }]);
  assert.deepEqual(await store.db.all('SELECT key FROM answer'), [], 'what a model was shown, its answers do not say');

  await eraseFor(store, bob, 'e2');
  await write(store, 'late', { actor: 'connector/model', spends: [settled('b')] });
  assert.deepEqual(await runs(), [{ scope: 'run/watch/[erased]', settled: 90, reserved: 0 }, { scope: 'run/watch/other', settled: 30, reserved: 0 }]);
  assert.deepEqual((await company()).map(({ settled: sum, reserved }) => [sum, reserved]), before.map(({ settled: sum, reserved }) => [Number(sum) + 30, Number(reserved) - 100]));
  assert.equal(await findChangedContent(store.db), null);
});

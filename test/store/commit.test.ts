import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Commit } from '#machines/commit.ts';
import type { Artifact, Decision, Fact, Intent } from '#machines/records.ts';
import { createCommitter } from '#store/commit.ts';
import { nextEpoch } from '#store/lock.ts';
import { runQuery } from '#store/queries.ts';
import { withCode } from '#test/contract/database.ts';
import { commitOf, counters, countRows, messageOf, openTemp, stepOf, tempStore } from './temp-store.ts';

const fact = (parts: Partial<Fact> = {}): Fact => ({ entity: 'person/anna', predicate: 'name', value: 'Anna', label: 'untrusted', confidence: 0.5, ...parts });
const intent = (parts: Partial<Intent> = {}): Intent => ({ id: 'i-1', kind: 'approval', state: 'input-required', summary: 'Send it?', data: { n: 1 }, ...parts });
const artifact = (parts: Partial<Artifact> = {}): Artifact => ({ id: 'a-1', kind: 'draft', mediaType: 'text/plain', hash: 'h1', sizeBytes: 5, text: 'hello', ...parts });
const decision: Decision = { what: 'triage', outcome: 'inquiry', confidence: 0.9, reasons: ['r'], evidence: [], policy: null, model: null, costMicros: 12 };
const everything = (id: string, parts: Partial<Commit> = {}) => commitOf(id, {
  step: stepOf(0), sends: [messageOf(`${id}.m`)], facts: [fact()], intents: [intent({ id: `${id}.i` })], artifacts: [artifact({ id: `${id}.a` })],
  decisions: [decision], blobs: [{ hash: `${id}.h`, bytes: 'hello' }], ...parts,
});
const tables = ['journal', 'actor', 'outbox', 'fact', 'entity', 'intent', 'artifact', 'decision', 'blob', 'search'] as const;

test('all parts of a commit are written, and the relay hears of it', async () => {
  const { db, committer, written } = await tempStore();
  assert.deepEqual(await committer.commit(everything('c1')), { outcome: 'written', seq: 1 });
  for (const table of tables) assert.ok((await countRows(db, table)) > 0, table);
  assert.deepEqual(written.map(({ id }) => id), ['c1']);
  assert.deepEqual(await counters(db), { received: 1, applied: 1, duplicate: 0, parked: 0 });
});

test('when one part is refused none is written, whichever part it is', async () => {
  const { db, committer, written } = await tempStore();
  const bad: Partial<Commit>[] = [
    { sends: [messageOf('x'), messageOf('x')] },
    { facts: [fact({ confidence: Number.NaN })] },
    { atMs: 1.5 },
    { artifacts: [artifact({ sizeBytes: 1.5 })] },
    { step: { ...stepOf(0), status: null as never } },
    { outcome: 'parked', parked: { subject: null as never, reason: 'r', bytes: new Uint8Array(1) } },
    { sends: [{ ...messageOf('x'), body: { kind: 'event', event: { type: 'big', text: 'x'.repeat(1_000_000) } } }] },
  ];
  for (const [i, parts] of bad.entries()) assert.equal((await committer.commit(everything(`bad${i}`, parts))).outcome, 'invalid', JSON.stringify(parts).slice(0, 80));
  for (const table of tables) assert.equal(await countRows(db, table), 0, table);
  assert.deepEqual(written, []);
  assert.equal((await counters(db)).received, 0);
});

test('what cannot be turned into rows is rejected, and the next commit works', async () => {
  const { committer } = await tempStore();
  await assert.rejects(committer.commit(commitOf('c1', { facts: [fact({ value: 1n as never })] })), TypeError);
  assert.equal((await committer.commit(commitOf('c2'))).outcome, 'written');
});

test('a second commit with an id writes nothing and answers with the first', async () => {
  const { db, committer } = await tempStore();
  await committer.commit(everything('c1', { journal: JSON.stringify({ note: 'why' }) }));
  const again = await committer.commit(everything('c1', { step: stepOf(1), facts: [fact({ value: 'Eve' })], sends: [messageOf('other')] }));
  assert.deepEqual(again, { outcome: 'duplicate', seq: 1, first: 'applied', note: 'why', rev: 0 });
  assert.deepEqual(await Promise.all((['journal', 'fact', 'outbox'] as const).map((table) => countRows(db, table))), [1, 1, 1]);
});

test('the same id twice in one group: one is written, the other answers with it', async () => {
  const { committer } = await tempStore();
  const [first, second] = await Promise.all([committer.commit(commitOf('c1', { outcome: 'ignored', step: stepOf(0) })), committer.commit(commitOf('c1'))]);
  assert.deepEqual(first, { outcome: 'written', seq: 1 });
  assert.deepEqual(second, { outcome: 'duplicate', seq: 1, first: 'ignored', note: 'note of c1', rev: 0 });
});

test('a duplicate settles its own message, so that it is not published for ever', async () => {
  const { db, committer } = await tempStore();
  await committer.commit(commitOf('m1'));
  await committer.commit(commitOf('c2', { sends: [messageOf('m1')] })); // an id that was applied already
  assert.equal(await countRows(db, 'outbox'), 1);
  assert.equal((await committer.commit(commitOf('m1'))).outcome, 'duplicate');
  assert.equal(await countRows(db, 'outbox'), 0);
});

test('a revision that does not follow the stored one is a conflict and writes nothing', async () => {
  const { db, committer } = await tempStore();
  assert.equal((await committer.commit(everything('c1', { step: stepOf(1) }))).outcome, 'conflict');
  await committer.commit(commitOf('c2', { step: stepOf(0) }));
  assert.equal((await committer.commit(everything('c3', { step: stepOf(0) }))).outcome, 'conflict');
  assert.equal((await committer.commit(everything('c4', { step: stepOf(2) }))).outcome, 'conflict');
  assert.equal(await countRows(db, 'journal'), 1);
  assert.equal((await committer.commit(commitOf('c5', { step: stepOf(1, '{"second":true}') }))).outcome, 'written');
  assert.equal(await runQuery(db, 'record', { address: 'order/1' }), '{"second":true}');
});

test('an outcome without a step is a conflict too when it was judged on a revision that is not the stored one', async () => {
  const { db, committer } = await tempStore();
  await committer.commit(commitOf('c1', { step: stepOf(0) }));
  assert.equal((await committer.commit(commitOf('c2', { outcome: 'ignored', basis: -1 }))).outcome, 'conflict');
  assert.equal((await committer.commit(commitOf('c3', { outcome: 'ignored', basis: 0 }))).outcome, 'written');
  assert.equal(await countRows(db, 'journal'), 2);
});

test('two steps to the same revision in one group: only the first is written', async () => {
  const { committer } = await tempStore();
  const answers = await Promise.all([0, 0, 1].map((rev, i) => committer.commit(commitOf(`c${i}`, { step: stepOf(rev) }))));
  assert.deepEqual(answers.map((a) => a.outcome), ['written', 'conflict', 'written']);
});

test('a commit that requires a message is written while the message waits, and closed afterwards', async () => {
  const { db, committer } = await tempStore();
  await committer.commit(commitOf('c1', { sends: [messageOf('job'), messageOf('later', 9e12)] }));
  assert.equal((await committer.commit(commitOf('claim', { requires: 'job' }))).outcome, 'written');
  assert.equal((await committer.commit(commitOf('deadline', { requires: 'later' }))).outcome, 'written');
  assert.equal((await committer.commit(commitOf('result', { requires: 'job', settles: ['job'] }))).outcome, 'written');
  assert.deepEqual(await committer.commit(everything('late', { requires: 'job' })), { outcome: 'closed' });
  assert.deepEqual(await committer.commit(commitOf('never', { requires: 'unheard-of' })), { outcome: 'closed' });
  assert.equal((await committer.commit(commitOf('claim', { requires: 'job' }))).outcome, 'duplicate');
  assert.equal(await countRows(db, 'fact'), 0);
});

test('of two commits in one group that settle the message they require, only the first is written', async () => {
  const { committer } = await tempStore();
  await committer.commit(commitOf('c1', { sends: [messageOf('job')] }));
  const answers = await Promise.all(['done', 'error'].map((id) => committer.commit(commitOf(id, { requires: 'job', settles: ['job'] }))));
  assert.deepEqual(answers.map((a) => a.outcome), ['written', 'closed']);
});

test('a message that an earlier commit of the group withdraws cannot be claimed any more', async () => {
  const { committer } = await tempStore();
  await committer.commit(commitOf('c1', { sends: [messageOf('job'), messageOf('own')] }));
  const commits = [commitOf('leave', { settles: ['job'] }), commitOf('own'), commitOf('claim', { requires: 'job' }), commitOf('claim2', { requires: 'own' })];
  assert.deepEqual((await Promise.all(commits.map((c) => committer.commit(c)))).map((a) => a.outcome), ['written', 'written', 'closed', 'closed']);
});

test('sending and settling in one group ends as if each commit had been written alone', async () => {
  const withdrawn = [commitOf('c1', { sends: [messageOf('a'), messageOf('b')] }), commitOf('c2', { settles: ['a'] }), commitOf('b')];
  const sentAgain = [...withdrawn, commitOf('c3', { sends: [messageOf('a'), messageOf('d')] }), commitOf('c4', { settles: ['d'], sends: [messageOf('d')] })];
  for (const [commits, left] of [[withdrawn, []], [sentAgain, ['a', 'd']]] as const) {
    const [alone, together] = [await tempStore(), await tempStore()];
    for (const c of commits) await alone.committer.commit(c);
    await Promise.all(commits.map((c) => together.committer.commit(c)));
    for (const { db } of [alone, together]) assert.deepEqual((await db.all<{ id: string }>('SELECT id FROM outbox ORDER BY n')).map(({ id }) => id), left);
  }
});

test('one bad commit in a group of 50 does not fail its neighbours', async () => {
  const { db, committer } = await tempStore();
  await committer.commit(commitOf('c', { intents: [intent({ state: 'completed' })] }));
  const answers = await Promise.allSettled(Array.from({ length: 50 }, (_, i) => {
    if (i === 17) return committer.commit(commitOf('reopens', { intents: [intent({ state: 'working' })] }));
    if (i === 33) return committer.commit(commitOf('broken', { facts: [fact({ value: 1n as never })] }));
    return committer.commit(commitOf(`n${i}`, { facts: [fact({ value: i })] }));
  }));
  assert.deepEqual(answers.flatMap((a, i) => (a.status === 'fulfilled' && a.value.outcome === 'written' ? [] : [i])), [17, 33]);
  assert.equal(await countRows(db, 'fact'), 48);
  const [row] = await db.all<{ n: number; last: number }>('SELECT count(*) AS n, max(seq) AS last FROM journal');
  assert.deepEqual(row, { n: 49, last: 49 }, 'no gap where the bad one was');
});

test('groups larger than any statement are written in order', async () => {
  const { db, committer } = await tempStore();
  await Promise.all(Array.from({ length: 700 }, (_, i) => committer.commit(commitOf(`n${i}`, { sends: [messageOf(`a${i}`), messageOf(`b${i}`)] }))));
  const rows = await db.all<{ id: string }>('SELECT id FROM outbox ORDER BY n');
  assert.deepEqual(rows.map(({ id }) => id), Array.from({ length: 700 }, (_, i) => [`a${i}`, `b${i}`]).flat());
});

test('a store whose epoch is not the newest cannot commit, not even count', async () => {
  const { db, committer, file } = await tempStore();
  await committer.commit(commitOf('c1'));
  const newer = await openTemp(file);
  const epoch = await nextEpoch(newer);
  for (const id of ['c1', 'c2']) await assert.rejects(committer.commit(commitOf(id)), withCode('STALE_EPOCH', /newer/));
  const refused = await Promise.allSettled(Array.from({ length: 20 }, (_, i) => committer.commit(commitOf(`g${i}`))));
  assert.ok(refused.every((r) => r.status === 'rejected'));
  assert.deepEqual([await countRows(db, 'journal'), (await counters(db)).received], [1, 1]);
  assert.deepEqual(await (await createCommitter(newer, epoch, { onWritten() {} })).commit(commitOf('c2')), { outcome: 'written', seq: 2 });
});

test('while another tool holds the write lock commits are STORE_FAILED (try again), once per group, and work afterwards', async () => {
  const { db, committer, file } = await tempStore();
  await db.exec('PRAGMA busy_timeout = 20');
  const tool = await openTemp(file);
  await tool.exec('BEGIN IMMEDIATE');
  const answers = await Promise.allSettled(Array.from({ length: 30 }, (_, i) => committer.commit(commitOf(`c${i}`))));
  for (const a of answers) assert.ok(a.status === 'rejected' && withCode('STORE_FAILED', /in use/)(a.reason));
  await tool.exec('ROLLBACK');
  assert.equal((await committer.commit(commitOf('c0'))).outcome, 'written');
});

test('a finished intent cannot be reopened; an unfinished one keeps what an update leaves out', async () => {
  const { db, committer } = await tempStore();
  await committer.commit(commitOf('c1', { intents: [intent()] }));
  await committer.commit(commitOf('c2', { intents: [{ id: 'i-1', kind: 'approval', state: 'completed' }] }));
  for (const state of ['working', 'input-required', 'failed'] as const) {
    const answer = await committer.commit(commitOf(`to-${state}`, { intents: [intent({ state })] }));
    assert.ok(answer.outcome === 'invalid' && /finished intent/.test(answer.reason), state);
  }
  const stored = (await runQuery(db, 'intent', { id: 'i-1' })) as { state: string; summary: string; data: unknown };
  assert.deepEqual([stored.state, stored.summary, stored.data], ['completed', 'Send it?', { n: 1 }]);
});

test('facts and the journal refuse UPDATE and DELETE', async () => {
  const { db, committer } = await tempStore();
  await committer.commit(everything('c1'));
  for (const sql of ["UPDATE fact SET value = '1'", 'DELETE FROM fact', "UPDATE journal SET body = '{}'", 'DELETE FROM journal WHERE seq = 1']) await assert.rejects(db.run(sql), withCode('REFUSED', /append-only/), sql);
});

test('the version of an artifact counts up only when its content changes, also within a group', async () => {
  const { db, committer } = await tempStore();
  const record = (id: string, hash: string) => committer.commit(commitOf(id, { artifacts: [artifact({ hash, text: `text ${hash}` })] }));
  await record('c1', 'h1');
  await record('c2', 'h1');
  await Promise.all(['h1', 'h2', 'h2', 'h1'].map((hash, i) => record(`g${i}`, hash)));
  assert.deepEqual(await db.all('SELECT version, hash FROM artifact ORDER BY version'), [{ version: 1, hash: 'h1' }, { version: 2, hash: 'h2' }, { version: 3, hash: 'h1' }]);
  assert.equal(await countRows(db, 'search'), 3, 'what did not change is not indexed again');
});

test('received is applied plus duplicate plus parked, whatever the sequence', async () => {
  const command = fc.record({ id: fc.integer({ min: 0, max: 9 }), kind: fc.constantFrom('applied', 'ignored', 'refused', 'parked', 'conflict', 'closed', 'invalid', 'throws'), wait: fc.boolean() });
  await fc.assert(fc.asyncProperty(fc.array(command, { maxLength: 30 }), async (commands) => {
    const { db, committer } = await tempStore();
    const answers: Promise<string>[] = [];
    for (const { id, kind, wait } of commands) {
      const parts: Record<string, Partial<Commit>> = {
        parked: { outcome: 'parked', parked: { subject: 's', reason: 'r', bytes: new Uint8Array([0]) } },
        conflict: { step: stepOf(9) }, closed: { requires: 'nothing' }, invalid: { atMs: 0.5 }, throws: { facts: [fact({ value: 1n as never })] },
        ignored: { outcome: 'ignored' }, refused: { outcome: 'refused' },
      };
      const answer = committer.commit(commitOf(`c${id}`, parts[kind] ?? {})).then((a) => a.outcome, () => 'threw');
      answers.push(answer);
      if (wait) await answer;
    }
    const outcomes = await Promise.all(answers);
    const { received, applied, duplicate, parked } = await counters(db);
    assert.equal(received, applied + duplicate + parked);
    assert.equal(await countRows(db, 'journal'), applied + parked);
    assert.equal(outcomes.filter((o) => o === 'written').length, applied + parked);
    assert.equal(outcomes.filter((o) => o === 'duplicate').length, duplicate);
    assert.equal(await countRows(db, 'parked'), parked);
    await db.close();
  }), { numRuns: 25 });
});

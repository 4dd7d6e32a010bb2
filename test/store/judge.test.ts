// Goal: what may follow what. Method: every pair of states of an intent, once in one group and once in two; then owners, statements
// that contradict each other, ids that were used before, and actors that were erased.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Commit, Committed } from '#machines/commit.ts';
import { intentStateSchema, intentTransitions, type Fact, type Intent } from '#machines/records.ts';
import type { Database } from '#store/database.ts';
import { runQuery } from '#store/queries.ts';
import { verifyAudit } from '#store/verify.ts';
import { commitOf, counters, countRows, messageOf, stepOf, tempStore } from './temp-store.ts';

type State = Intent['state'];
const states = intentStateSchema.options;
const ended: readonly State[] = ['completed', 'failed', 'canceled', 'rejected'];
const task = (state: State, parts: Partial<Intent> = {}): Intent => ({ id: 'i-1', kind: 'task', state, ...parts });
const said = (value: unknown, parts: Partial<Fact> = {}): Fact => ({ entity: 'organisation/acme', predicate: 'organisation.payment-terms-days', value: value as Fact['value'], label: 'untrusted', confidence: 0.5, ...parts });
const stateOf = async (db: Database) => (await db.all<{ state: string; actor: string }>("SELECT state, actor FROM intent WHERE id = 'i-1'"))[0];
const reasonOf = (answer: Committed) => (answer.outcome === 'invalid' ? answer.reason : answer.outcome);

suite('an intent', () => {
  test('goes from every open state to every other but submitted, and from an ended one nowhere', () => {
    for (const state of states) {
      if (ended.includes(state)) assert.deepEqual(intentTransitions[state], [], state);
      else assert.deepEqual(intentTransitions[state].toSorted(), states.filter((one) => one !== 'submitted').toSorted(), state);
    }
  });

  for (const group of ['in one group', 'in two groups']) {
    for (const from of states) {
      test(`that is ${from} goes where the table says and nowhere else, ${group}`, async () => {
        for (const to of states) {
          const { db, committer } = await tempStore();
          const commits = [commitOf('c1', { intents: [task(from)] }), commitOf('c2', { intents: [task(to)] })];
          const answers: Committed[] = [];
          if (group === 'in one group') answers.push(...(await Promise.all(commits.map((commit) => committer.commit(commit)))));
          else for (const commit of commits) answers.push(await committer.commit(commit));
          const may = to === from || intentTransitions[from].includes(to);
          const reason = ended.includes(from) ? `a finished intent cannot be reopened: i-1 is ${from}` : `the intent i-1 cannot go from ${from} to ${to}`;
          assert.deepEqual(answers.map(reasonOf), ['written', may ? 'written' : reason], to);
          assert.equal((await stateOf(db))!.state, may ? to : from);
          assert.equal((await db.all('SELECT n FROM intent_change')).length, may ? 2 : 1, 'only what was accepted is in its history');
          await db.close();
        }
      });
    }
  }

  test('may begin in any state', async () => {
    const { db, committer } = await tempStore();
    assert.equal((await committer.commit(commitOf('c', { intents: states.map((state, i) => task(state, { id: `i-${i}` })) }))).outcome, 'written');
    assert.equal(await countRows(db, 'intent'), states.length);
  });

  test('cannot be finished and reopened within one commit', async () => {
    const { db, committer } = await tempStore();
    const answer = await committer.commit(commitOf('c', { intents: [task('completed'), task('working')] }));
    assert.match(reasonOf(answer), /a finished intent cannot be reopened/);
    assert.deepEqual([await countRows(db, 'intent'), await countRows(db, 'journal')], [0, 0]);
  });

  for (const group of ['in one group', 'in two groups']) {
    test(`is changed by its actor and by the operator, by nobody else, ${group}`, async () => {
      const tries: [actor: string, expected: string][] = [
        ['order/1', 'written'], ['operator/you', 'written'], ['order/2', 'the intent i-1 belongs to order/1; order/2 cannot change it'], ['order/1/2', 'the intent i-1 belongs to order/1; order/1/2 cannot change it'],
        ['connector/imap', 'the intent i-1 belongs to order/1; connector/imap cannot change it'], ['host/worker', 'the intent i-1 belongs to order/1; host/worker cannot change it'], ['operation/1', 'the intent i-1 belongs to order/1; operation/1 cannot change it'],
      ];
      for (const [actor, expected] of tries) {
        const { db, committer } = await tempStore();
        const first = committer.commit(commitOf('c1', { intents: [task('working')] }));
        if (group === 'in two groups') await first;
        const [, answer] = await Promise.all([first, committer.commit(commitOf('c2', { actor, intents: [task('completed')] }))]);
        assert.equal(reasonOf(answer), expected);
        assert.deepEqual(await stateOf(db), { state: expected === 'written' ? 'completed' : 'working', actor: 'order/1' }, 'it stays theirs');
      }
    });
  }
});

const idOf = (seq: number, place = 0) => `f-${seq}-${place}`;
const questionsOf = async (db: Database) => (await runQuery(db, 'inbox', {})) as { id: string; actor: string; summary: string; data: { payload: { standing: { id: string }[]; added: { id: string } }; payloadHash: string } }[];

suite('two statements that cannot both be true', () => {
  for (const group of ['in one commit', 'in one group', 'in two groups']) {
    test(`become one question for the operator, and both stay, ${group}`, async () => {
      const { db, committer } = await tempStore();
      const facts = [said(14), said(30, { label: 'system', confidence: 0.9 })];
      if (group === 'in one commit') await committer.commit(commitOf('c', { facts }));
      else if (group === 'in one group') await Promise.all(facts.map((fact, i) => committer.commit(commitOf(`c${i}`, { facts: [fact] }))));
      else for (const [i, fact] of facts.entries()) await committer.commit(commitOf(`c${i}`, { facts: [fact] }));
      const [first, second] = group === 'in one commit' ? [idOf(1), idOf(1, 1)] : [idOf(1), idOf(2)];
      const [question, ...more] = await questionsOf(db);
      assert.deepEqual(more, []);
      assert.deepEqual([question!.id, question!.actor, question!.summary], [`c-${second.slice(2)}`, 'store/questions', 'What is organisation.payment-terms-days of organisation/acme? 14 was known; now 30 is said.']);
      assert.deepEqual([question!.data.payload.standing.map(({ id }) => id), question!.data.payload.added.id, question!.data.payloadHash], [[first], second, second]);
      assert.equal(await countRows(db, 'fact'), 2);
      assert.ok((await verifyAudit(db)).ok);
    });
  }

  const quiet: [title: string, first: Fact, second: Fact][] = [
    ['say the same', said(14), said(14, { label: 'operator' })],
    ['are about different times', said(14, { validFromMs: 0, validToMs: 100 }), said(30, { validFromMs: 100 })],
    ['are about different times, the later one first', said(30, { validFromMs: 100 }), said(14, { validFromMs: 0, validToMs: 100 })],
    ['are about different entities', said(14), said(30, { entity: 'organisation/other' })],
    ['are of different predicates', said('ACME', { predicate: 'organisation.name' }), said(30)],
    ['hold the latest', said('Anna', { entity: 'person/a', predicate: 'person.name' }), said('Anna B.', { entity: 'person/a', predicate: 'person.name' })],
    ['are events', said('a', { entity: 'asset/a', predicate: 'asset.note' }), said('b', { entity: 'asset/a', predicate: 'asset.note' })],
    ['are a statement and its correction', said(14), said(30, { supersedes: idOf(1) })],
  ];
  for (const [title, first, second] of quiet) {
    test(`are no question when they ${title}`, async () => {
      const { db, committer } = await tempStore();
      for (const [i, fact] of [first, second].entries()) assert.equal((await committer.commit(commitOf(`c${i}`, { facts: [fact] }))).outcome, 'written');
      assert.deepEqual(await questionsOf(db), []);
    });
  }

  test('are a question for a predicate of the operator\'s own too', async () => {
    const { db, committer } = await tempStore();
    for (const [i, value] of ['blue', 'red'].entries()) await committer.commit(commitOf(`c${i}`, { facts: [said(value, { predicate: 'favourite-colour' })] }));
    assert.equal((await questionsOf(db)).length, 1);
  });

  test('are asked about once: whoever repeats one of them is not asked again', async () => {
    const { db, committer } = await tempStore();
    for (const [i, value] of [14, 30, 30, 14, 30].entries()) await committer.commit(commitOf(`c${i}`, { facts: [said(value)] }));
    assert.equal((await questionsOf(db)).length, 1);
    await committer.commit(commitOf('third', { facts: [said(60)] }));
    assert.deepEqual((await questionsOf(db)).map(({ data }) => data.payload.standing.length), [1, 5]);
  });

  test('are no question any more once one of them was corrected away', async () => {
    const { db, committer } = await tempStore();
    await committer.commit(commitOf('c1', { facts: [said(14)] }));
    await committer.commit(commitOf('c2', { facts: [said(30, { supersedes: idOf(1) })] }));
    await committer.commit(commitOf('c3', { facts: [said(14)] }));
    assert.deepEqual((await questionsOf(db)).map(({ data }) => data.payload.standing.map(({ id }) => id)), [[idOf(2)]], 'against what stands, not against what was corrected');
  });
});

test('a correction of a fact that is not there is refused, whatever its name', async () => {
  const { db, committer } = await tempStore();
  await committer.commit(commitOf('c1', { facts: [said(14)], decisions: [{ what: 'w', outcome: 'o', confidence: null, reasons: [], evidence: [], policy: null, model: null, costMicros: null }] }));
  for (const supersedes of ['f-1-1', 'f-2-0', 'd-1-0', 'f-9-0', 'x', '', "f-1-0' OR 1"]) {
    const answer = await committer.commit(commitOf(`to-${supersedes}`, { facts: [said(30, { supersedes })] }));
    if (supersedes === '') assert.equal(answer.outcome, 'invalid');
    else assert.deepEqual(answer, { outcome: 'invalid', reason: `there is no fact ${supersedes} to supersede` });
  }
  assert.equal(await countRows(db, 'fact'), 1);
});

test('a correction of a fact of the same group is written', async () => {
  const { committer } = await tempStore();
  const answers = await Promise.all([committer.commit(commitOf('c1', { facts: [said(14)] })), committer.commit(commitOf('c2', { facts: [said(30, { supersedes: idOf(1) })] }))]);
  assert.deepEqual(answers.map(({ outcome }) => outcome), ['written', 'written']);
});

const counted = async (db: Database) => Promise.all((['journal', 'actor', 'outbox', 'fact', 'intent', 'artifact', 'decision', 'blob', 'search', 'entity'] as const).map((table) => countRows(db, table)));
const asking = (id: string, question: unknown, parts: Partial<Commit> = {}) => commitOf(id, { journal: JSON.stringify({ message: { kind: 'event', event: { type: 'ASK', question } }, note: 'n' }), ...parts });

for (const group of ['in one group', 'later']) {
  test(`an id that was used for another message is a mismatch and changes nothing, ${group}`, async () => {
    const { db, committer } = await tempStore();
    const first = committer.commit(asking('c1', 'price', { step: stepOf(0), facts: [said(14)], sends: [messageOf('m')] }));
    const other = asking('c1', 'address', { step: stepOf(1, '{"other":true}'), facts: [said(30)], intents: [task('working')], sends: [messageOf('m2')], settles: ['m'], blobs: [{ hash: 'b', bytes: 'b' }], artifacts: [{ id: 'a', kind: 'draft', mediaType: 't', hash: 'b', sizeBytes: 1, text: 'b' }] });
    if (group === 'later') await first;
    const head = group === 'later' ? [await counted(db), await verifyAudit(db)] : null;
    const [, answer] = await Promise.all([first, committer.commit(other)]);
    assert.deepEqual(answer, { outcome: 'mismatch', seq: 1 });
    if (head) assert.deepEqual([await counted(db), await verifyAudit(db)], head);
    assert.deepEqual(await counted(db), [1, 1, 1, 1, 0, 0, 0, 0, 1, 1]);
    assert.equal(await runQuery(db, 'record', { address: 'order/1' }), '{"context":{}}');
    assert.deepEqual(await counters(db), { received: 2, applied: 1, duplicate: 1, parked: 0 });
  });
}

test('the same message with its keys in another order is a duplicate, not a mismatch', async () => {
  const { committer } = await tempStore();
  await committer.commit(commitOf('c1', { journal: '{"message":{"a":1,"b":[{"c":2,"d":3}]}}' }));
  assert.equal((await committer.commit(commitOf('c1', { journal: '{"message":{"b":[{"d":3,"c":2}],"a":1}}' }))).outcome, 'duplicate');
  assert.equal((await committer.commit(commitOf('c1', { journal: '{"message":{"b":[{"d":3,"c":"2"}],"a":1}}' }))).outcome, 'mismatch');
});

test('for an actor that was erased nothing is written any more, not even in the group that is waiting', async () => {
  const { db, committer } = await tempStore();
  await committer.commit(commitOf('c1', { step: stepOf(0) }));
  committer.forget(['order/1']);
  const answers = await Promise.all([commitOf('c2', { step: stepOf(1), facts: [said(14)] }), commitOf('c3', { outcome: 'ignored' }), commitOf('c4', { actor: 'order/2' })].map((commit) => committer.commit(commit)));
  assert.deepEqual(answers.map(({ outcome }) => outcome), ['closed', 'closed', 'written']);
  assert.equal((await committer.commit(commitOf('c1', { step: stepOf(0) }))).outcome, 'duplicate', 'what was written before is still known');
  assert.deepEqual([await countRows(db, 'journal'), await countRows(db, 'fact')], [2, 0]);
});

suite('what belongs to others', () => {
  const document = (id: string, kind: 'policy' | 'draft', hash: string) => ({ artifacts: [{ id, kind, mediaType: 'text/plain', hash, sizeBytes: 1 }] });

  test('a document keeps its kind: a draft cannot take the place of a policy', async () => {
    const { committer } = await tempStore();
    await committer.commit(commitOf('c1', { actor: 'operator/company', ...document('policy/mail', 'policy', 'h1') }));
    assert.match(reasonOf(await committer.commit(commitOf('c2', document('policy/mail', 'draft', 'h2')))), /policy\/mail is a policy, not a draft/);
    assert.match(reasonOf(await committer.commit(commitOf('c3', { artifacts: [...document('d', 'draft', 'h1').artifacts, ...document('d', 'policy', 'h2').artifacts] }))), /d is a draft, not a policy/);
  });

  test('an agent corrects only the same statement, and only what is no more trusted than its own', async () => {
    const { committer } = await tempStore();
    await committer.commit(commitOf('c1', { actor: 'operator/me', facts: [said(30, { label: 'operator' }), said(14)] }));
    const corrects = (id: string, actor: string, parts: Partial<Fact>) => committer.commit(commitOf(id, { actor, facts: [said(7, parts)] }));
    assert.match(reasonOf(await corrects('c2', 'mail/1', { supersedes: 'f-1-0' })), /f-1-0 is operator; what is untrusted cannot correct it/);
    assert.match(reasonOf(await corrects('c3', 'mail/1', { supersedes: 'f-1-1', entity: 'organisation/other' })), /says something else/);
    assert.match(reasonOf(await corrects('c4', 'mail/1', { supersedes: 'f-9-0' })), /no fact f-9-0/);
    assert.equal((await corrects('c5', 'mail/1', { supersedes: 'f-1-1' })).outcome, 'written');
    assert.equal((await corrects('c6', 'operator/me', { supersedes: 'f-1-0', entity: 'organisation/other', label: 'operator' })).outcome, 'written');
  });

  test('the names of the questions of the store are taken by nobody else', async () => {
    const { committer } = await tempStore();
    assert.match(reasonOf(await committer.commit(commitOf('c1', { intents: [task('completed', { id: 'c-8-0' })] }))), /name for questions of the store/);
  });

  test('an intent keeps its kind, and several changes in one commit are judged in turn', async () => {
    const { committer } = await tempStore();
    assert.match(reasonOf(await committer.commit(commitOf('c1', { intents: [task('working'), task('submitted')] }))), /cannot go from working to submitted/);
    assert.equal((await committer.commit(commitOf('c2', { intents: [task('submitted'), task('working')] }))).outcome, 'written');
    assert.match(reasonOf(await committer.commit(commitOf('c3', { intents: [task('completed', { kind: 'approval' })] }))), /is a task, not a approval|is a task, not an? approval/);
  });
});

suite('money on its way', () => {
  const caps = [{ currency: 'EUR', perDayMinor: 10_000, perPayeePerDayMinor: 10_000 }];
  const atMs = commitOf('c').atMs;
  const pays = (id: string, amountMinor: number, parts: Partial<Commit> = {}) => commitOf(`c-${id}`, { actor: `operation/${id}`, intents: [{ id: `pay-${id}`, kind: 'payment', state: 'working', data: { amountMinor, currency: 'EUR', payee: 'nina' } }], ...parts });
  const becomes = (id: string, state: State) => commitOf(`c-${id}-${state}`, { actor: `operation/${id}`, intents: [{ id: `pay-${id}`, kind: 'payment', state }] });
  const over = (euros: string) => `all payments would come to ${euros} EUR within 24 hours; the cap is 100.00`;

  for (const group of ['in one group', 'in several groups']) {
    const write = async (committer: { commit(commit: Commit): Promise<Committed> }, commits: Commit[]) => {
      if (group === 'in one group') return (await Promise.all(commits.map((commit) => committer.commit(commit)))).map(reasonOf);
      const answers: string[] = [];
      for (const commit of commits) answers.push(reasonOf(await committer.commit(commit)));
      return answers;
    };
    test(`is added up, also when it is all sent at once, ${group}`, async () => {
      const { committer } = await tempStore(undefined, caps);
      assert.deepEqual(await write(committer, [pays('a', 6_000), pays('b', 4_001), pays('c', 4_000), pays('d', 1)]), ['written', over('100.01'), 'written', over('100.01')]);
    });

    test(`that has arrived still counts, and what certainly did not leave does not, ${group}`, async () => {
      const { committer } = await tempStore(undefined, caps);
      assert.deepEqual(await write(committer, [pays('a', 10_000), becomes('a', 'completed'), pays('b', 1)]), ['written', 'written', over('100.01')]);
      for (const state of ['failed', 'canceled', 'rejected'] as const) {
        const fresh = await tempStore(undefined, caps);
        assert.deepEqual(await write(fresh.committer, [pays('a', 10_000), becomes('a', state), pays('b', 10_000)]), ['written', 'written', 'written'], state);
      }
    });

    test(`of one operation that is sent again counts once, ${group}`, async () => {
      const { committer } = await tempStore(undefined, caps);
      assert.deepEqual(await write(committer, [pays('a', 10_000), pays('a', 10_000, { id: 'again' })]), ['written', 'written']);
    });
  }

  test('of more than a day ago is forgotten', async () => {
    const { committer } = await tempStore(undefined, caps);
    assert.equal(reasonOf(await committer.commit(pays('a', 10_000, { atMs: atMs - 86_400_000 + 1 }))), 'written');
    assert.equal(reasonOf(await committer.commit(pays('b', 1, { atMs }))), over('100.01'));
    assert.equal(reasonOf(await committer.commit(pays('c', 10_000, { atMs: atMs + 1 }))), 'written');
  });

  test('must say how much of what goes to whom', async () => {
    const { committer } = await tempStore(undefined, caps);
    const unclear: NonNullable<Intent['data']>[] = [{}, { amountMinor: 0, currency: 'EUR', payee: 'nina' }, { amountMinor: -1, currency: 'EUR', payee: 'nina' }, { amountMinor: 1, currency: 'EUR', payee: '' }, { amountMinor: 1, currency: 'euro', payee: 'nina' }];
    for (const [i, data] of unclear.entries()) {
      assert.equal(reasonOf(await committer.commit(pays(`x${i}`, 1, { intents: [{ id: `pay-x${i}`, kind: 'payment', state: 'working', data }] }))), `the payment pay-x${i} does not say how much of what goes to whom`);
    }
  });

  test('twice in one commit is added up too', async () => {
    const { committer } = await tempStore(undefined, caps);
    const two = pays('a', 6_000);
    assert.equal(reasonOf(await committer.commit({ ...two, intents: [...two.intents, { ...two.intents[0]!, id: 'pay-a2' }] })), over('120.00'));
  });
});

suite('messages that cannot be applied', () => {
  const parked = (n: number, { from = 'noise/1', to = 'order/1' } = {}) => commitOf(`p-${from}-${to}-${n}!parked`, {
    actor: to, outcome: 'parked', parked: { subject: 's', reason: 'no', bytes: Buffer.from('x') },
    intents: [{ id: `parked-${from}-${to}-${n}`, kind: 'escalation', state: 'input-required', summary: `Message ${n}`, data: { reasons: ['no'], payload: { id: `m-${n}`, subject: 's', from } } }],
  });
  const items = async (db: Database) => ((await runQuery(db, 'inbox', {})) as { id: string; summary: string }[]).map(({ id, summary }) => ({ id, summary }));
  const thousand = Array.from({ length: 1_000 }, (_, n) => n);

  for (const group of ['at once', 'one by one']) {
    test(`are all kept and asked about ten times, of one sender ${group}, and the last item says so`, async () => {
      const { db, committer } = await tempStore();
      const many = group === 'at once' ? thousand : thousand.slice(0, 100);
      if (group === 'at once') await Promise.all(many.map((n) => committer.commit(parked(n))));
      else for (const n of many) await committer.commit(parked(n));
      const asked = await items(db);
      assert.deepEqual([asked.length, await countRows(db, 'parked')], [10, many.length]);
      assert.deepEqual(asked.filter(({ summary }) => /Further ones \(noise to order\) are kept/.test(summary)).length, 1);
      assert.equal((await verifyAudit(db)).ok, true);
    });
  }

  test('of an agent that speaks from a thousand addresses to a thousand others are those of one sender', async () => {
    const { db, committer } = await tempStore();
    await Promise.all(thousand.map((n) => committer.commit(parked(n, { from: `noise/${n}`, to: `order/${n}` }))));
    assert.deepEqual([(await items(db)).length, await countRows(db, 'parked')], [10, 1_000]);
  });

  test('of one sender do not hide those of another, nor those to another', async () => {
    const { db, committer } = await tempStore();
    for (const n of thousand.slice(0, 30)) await committer.commit(parked(n));
    const others = [parked(1, { from: 'mail/1' }), parked(1, { to: 'mail/1' }), parked(1, { from: 'no address', to: 'host/unreadable' })];
    for (const commit of others) await committer.commit(commit);
    const ids = (await items(db)).map(({ id }) => id);
    assert.equal(ids.length, 13);
    for (const { intents } of others) assert.ok(ids.includes(intents[0]!.id), intents[0]!.id);
  });

  test('are asked about again when one item was answered', async () => {
    const { db, committer } = await tempStore();
    for (const n of thousand.slice(0, 30)) await committer.commit(parked(n));
    await committer.commit(commitOf('seen', { actor: 'operator/you', intents: [{ id: parked(3).intents[0]!.id, kind: 'escalation', state: 'completed' }] }));
    for (const n of [98, 99]) await committer.commit(parked(n));
    const ids = (await items(db)).map(({ id }) => id);
    assert.deepEqual([ids.length, ids.includes(parked(98).intents[0]!.id), ids.includes(parked(99).intents[0]!.id)], [10, true, false]);
  });

  test('that come twice count once', async () => {
    const { db, committer } = await tempStore();
    for (let i = 0; i < 30; i++) await committer.commit(parked(1));
    await committer.commit(parked(2));
    assert.deepEqual([(await items(db)).length, await countRows(db, 'parked')], [2, 2]);
  });
});

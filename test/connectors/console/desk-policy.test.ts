// Goal: the operator's publication is all or nothing, checked first, recorded, and repeatable. Method: the desk on a real store.
import assert from 'node:assert/strict';
import test from 'node:test';
import { systemClock } from '#actors/clock.ts';
import { randomId } from '#actors/ids.ts';
import { createPolicyDesk, publishRequest } from '#connectors/console/desk-policy.ts';
import { readPolicies } from '#connectors/knowledge.ts';
import { policySetId } from '#connectors/policy-set.ts';
import { actions, askAll, assertBad, forbidAll, permitAll, policyStore, request } from '../policy-kit.ts';

async function makeDesk() {
  const { store } = await policyStore();
  const desk = createPolicyDesk({ store, clock: systemClock, makeId: randomId, actions });
  const answer = async () => (await readPolicies(store, actions)()).decide(request()).answer;
  const commits = async () => ((await store.query('status', {})) as { commits: number }).commits;
  return { store, desk, answer, commits };
}

test('a publication is in force, says what changed, and leaves a decision of the operator that leads to the set', async () => {
  const { store, desk, answer } = await makeDesk();
  const first = await desk.publish({ files: { a: askAll('r'), b: forbidAll('no') } });
  assert.deepEqual([first.published, first.changes, first.warnings], [true, { added: ['r', 'no'], changed: [], removed: [] }, []]);
  assert.equal(await answer(), 'deny');
  const second = await desk.publish({ files: { a: permitAll('r') } });
  assert.deepEqual(second.changes, { added: [], changed: ['r'], removed: ['no'] });
  assert.equal(await answer(), 'allow');
  assert.equal((await readPolicies(store, actions)()).version, second.version);
  const [decision] = (await store.query('decisions', { what: 'policies' })) as { actor: string; outcome: string; reasons: string[]; evidence: unknown[] }[];
  assert.deepEqual([decision!.actor, decision!.outcome, decision!.reasons, decision!.evidence], ['operator/desk', 'published', [`version ${second.version}`, 'changed: r; removed: no'], [{ kind: 'policy', id: policySetId }]]);
});

test('a draft with any mistake changes nothing, and says file, line and rule', async () => {
  const { desk, answer, commits } = await makeDesk();
  await desk.publish({ files: { a: askAll('r') } });
  const before = await commits();
  await assertBad(desk.publish({ files: { a: permitAll('r'), b: '@id("x") @why("x")\npermit (principal, action == Action::"mail.sent", resource);' } }), /^policies\/b\.cedar, line 2, rule x: unrecognized action/, 'BAD_ARGUMENT');
  await assertBad(desk.publish({ files: { a: permitAll('r'), b: permitAll('r') } }), /@id\("r"\) is taken already/, 'BAD_ARGUMENT');
  await assertBad(desk.publish({ files: { a: 'permit' } }), /a\.cedar/, 'BAD_ARGUMENT');
  await assertBad(desk.publish({ files: { a: '// ==== b.cedar\n' } }), /names another file/, 'BAD_ARGUMENT');
  assert.deepEqual([await answer(), await commits()], ['ask', before]);
});

test('what is in force already is not published again', async () => {
  const { desk, commits } = await makeDesk();
  const { version } = await desk.publish({ files: { a: askAll('r') } });
  const before = await commits();
  const again = await desk.publish({ files: { a: askAll('r') } });
  assert.deepEqual([again.published, again.version, await commits()], [false, version, before]);
});

test('a command given twice publishes once, and its id cannot name another publication', async () => {
  const { desk, answer, commits } = await makeDesk();
  const command = { files: { a: askAll('r') }, commandId: 'p-1' };
  const { version } = await desk.publish(command);
  await desk.publish({ files: { a: permitAll('r') } });
  const before = await commits();
  assert.equal((await desk.publish(command)).published, false);
  assert.deepEqual([await answer(), await commits()], ['allow', before], 'the later publication stands');
  await assertBad(desk.publish({ files: { a: forbidAll('r') }, commandId: 'p-1' }), /was used before for another command/, 'REFUSED');
  assert.notEqual(version, '');
});

test('two publications at once are one after the other: the numbers differ and one of them stands', async () => {
  const { store, desk } = await makeDesk();
  const both = await Promise.all([desk.publish({ files: { a: askAll('r') } }), desk.publish({ files: { a: permitAll('r') } })]);
  assert.deepEqual(both.map(({ version }) => version.split('+')[0]), ['1', '2']);
  assert.equal((await readPolicies(store, actions)()).version, both[1].version);
});

test('publishing nothing at all is a publication: everything is denied', async () => {
  const { desk, answer } = await makeDesk();
  await desk.publish({ files: { a: permitAll('r') } });
  assert.deepEqual((await desk.publish({ files: {} })).changes.removed, ['r']);
  assert.equal(await answer(), 'deny');
});

test('names that are no file names are refused before anything is read', () => {
  for (const name of ['', '../x', 'a/b', '_x', 'A', 'x'.repeat(65)]) assert.equal(publishRequest.safeParse(JSON.parse(`{"files":{${JSON.stringify(name)}:""}}`)).success, false, name);
  assert.equal(publishRequest.safeParse({ files: { 'default.v2': '' } }).success, true);
  for (const body of [{}, { files: null }, { files: { a: 1 } }, { files: { a: 'x'.repeat(100_001) } }]) assert.equal(publishRequest.safeParse(body).success, false);
});

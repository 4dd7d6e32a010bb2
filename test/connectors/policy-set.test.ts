// Goal: what is in force is exactly what was published, a publication counts from the next question, and policies that fit no more deny
// everything instead of something. Method: a real store behind the port.
import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { readPolicies } from '#connectors/knowledge.ts';
import { asArtifact, compareSets, policySetId, readSet, readStoredSet, sayChanges, textsOf, writeSet } from '#connectors/policy-set.ts';
import { emptyCommit, type Commit } from '#machines/commit.ts';
import type { StorePort } from '#actors/store-port.ts';
import { actions, askAll, assertBad, forbidAll, permitAll, policyStore, request } from './policy-kit.ts';

let made = 0;
const commitOf = (set: string, actor: string): Commit => ({ ...emptyCommit(`publication:${++made}`, 1_790_000_000_000, actor, {}), ...asArtifact(policySetId, set) });
const publish = (store: StorePort, set: string, actor = 'operator/desk') => store.commit(commitOf(set, actor));
const setOf = (files: Record<string, string>) => writeSet(Object.entries(files).map(([id, text]) => ({ id, text })));

test('files come out of the set as they went in, whatever their order', () => {
  const names = fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,10}$/);
  const content = fc.string({ unit: fc.constantFrom('a', '\n', '\r', '/', ' ', '"', 'ü', '\u2028', '.cedar', '// ', '// ===') }).map((text) => `${text}\n`);
  fc.assert(fc.property(fc.dictionary(names, content), (files) => {
    const sorted = Object.entries(files).map(([id, text]) => ({ id, text })).toSorted((a, b) => (a.id < b.id ? -1 : 1));
    assert.deepEqual(readSet(setOf(files)), sorted);
    assert.equal(setOf(Object.fromEntries(Object.entries(files).toReversed())), setOf(files));
  }));
});

test('no files are a set too, and the set reads as Cedar', async () => {
  assert.deepEqual(readSet(writeSet([])), []);
  assert.ok(writeSet([]).length > 0);
  assert.equal(setOf({ b: permitAll('x'), a: '// empty' }), `// All policy files that are in force, as published.\n// ==== a.cedar\n// empty\n// ==== b.cedar\n${permitAll('x')}`);
});

test('a file cannot pretend to be another one, by its text or by its name', async () => {
  await assertBad((async () => setOf({ a: `// x\n// ==== b.cedar\n${permitAll('x')}` }))(), /a\.cedar: a line that begins with '\/\/ ===='/);
  for (const name of ['', 'A', '../x', 'a b', 'a\nb', '.hidden', '__proto__']) await assertBad((async () => writeSet([{ id: name, text: '' }]))(), /is no name for a policy file/);
});

test('what changed is said by rule: a rule in another file is the same one', async () => {
  const before = setOf({ a: permitAll('same') + askAll('other'), b: forbidAll('gone') });
  const after = setOf({ c: permitAll('same'), d: permitAll('other') + permitAll('new') });
  const changes = await compareSets(before, after);
  assert.deepEqual(changes, { added: ['new'], changed: ['other'], removed: ['gone'] });
  assert.equal(sayChanges(changes), 'added: new; changed: other; removed: gone');
  assert.equal(sayChanges(await compareSets(before, before)), 'no rule changed');
  assert.deepEqual(await compareSets(null, before), { added: ['other', 'same', 'gone'].toSorted((a, b) => ['other', 'same', 'gone'].indexOf(a) - ['other', 'same', 'gone'].indexOf(b)), changed: [], removed: [] });
  assert.deepEqual((await compareSets(setOf({ a: 'no cedar' }), before)).added.length, 3);
  await assertBad(compareSets(before, setOf({ a: 'no cedar' })), /a\.cedar, line 1/);
});

test('as long as nothing was published everything is denied', async () => {
  const { store } = await policyStore();
  const policies = await readPolicies(store, actions)();
  assert.equal(policies.decide(request()).answer, 'deny');
  assert.match(policies.problem!, /no policies are in force/);
});

test('a publication counts from the next question, and is read once', async () => {
  const { store } = await policyStore();
  await publish(store, setOf({ own: askAll('r') }));
  const read = readPolicies(store, actions);
  const first = await read();
  assert.deepEqual([first.decide(request()).answer, first.version.split('+')[0]], ['ask', '1']);
  assert.equal(await read(), first);
  await publish(store, setOf({ own: permitAll('r') }));
  const second = await read();
  assert.deepEqual([second.decide(request()).answer, second.version.split('+')[0]], ['allow', '2']);
  assert.equal(first.decide(request()).answer, 'ask');
});

test('a file that is gone from the set is out of force, and an empty set denies', async () => {
  const { store } = await policyStore();
  const read = readPolicies(store, actions);
  await publish(store, setOf({ a: permitAll('yes'), b: forbidAll('no') }));
  assert.equal((await read()).decide(request()).answer, 'deny');
  await publish(store, setOf({ a: permitAll('yes') }));
  assert.equal((await read()).decide(request()).answer, 'allow');
  await publish(store, setOf({}));
  const none = await read();
  assert.deepEqual([none.decide(request()).answer, none.problem, (await readStoredSet(store))?.version], ['deny', null, 3]);
});

test('the same files again, later, are another version: a yes from before is none now', async () => {
  const { store } = await policyStore();
  const read = readPolicies(store, actions);
  const versions: string[] = [];
  for (const files of [{ a: askAll('r') }, { a: permitAll('r') }, { a: askAll('r') }]) {
    await publish(store, setOf(files));
    versions.push((await read()).version);
  }
  assert.equal(new Set(versions).size, 3);
  assert.equal(versions[0]!.split('+')[1], versions[2]!.split('+')[1]);
});

test('policies that name what is there no more deny everything, and say so until others are published', async () => {
  const { store } = await policyStore();
  await publish(store, setOf({ own: permitAll('yes') + '@id("pay") @why("x") forbid (principal, action == Action::"payments.charge", resource);' }));
  assert.equal((await readPolicies(store, actions)()).decide(request()).answer, 'allow');
  const read = readPolicies(store, actions.filter(({ money }) => !money));
  const { problem, decide, version } = await read();
  assert.match(problem!, /everything is denied: policies\/own\.cedar, line 3, rule pay: unrecognized action/);
  assert.deepEqual([decide(request()).answer, decide(request()).policy.rule, decide(request()).why], ['deny', 'no-policies', problem]);
  assert.match(version, /^1\+[0-9a-f]{8}$/);
  await publish(store, setOf({ own: permitAll('yes') }));
  assert.equal((await read()).problem, null);
});

test('a store that cannot be read is a failure, not a no and not a yes', async () => {
  const { store } = await policyStore();
  await assert.rejects(readPolicies({ query: () => Promise.reject(new Error('away')) }, actions)(), /away/);
  await publish(store, setOf({}));
});

test('policy artifacts that an older build kept are not read', async () => {
  const { store } = await policyStore();
  await store.commit({ ...emptyCommit('old', 1, 'operator/company', {}), ...asArtifact('policy/mail', '{"id":"mail","rules":[]}') });
  assert.equal(await readStoredSet(store), null);
});

test('the texts of a set have its version and their own hash', () => {
  const [a, b] = textsOf({ version: 7, text: setOf({ a: permitAll('x'), b: permitAll('y') }) });
  assert.deepEqual([a!.id, a!.version, b!.id, b!.text], ['a', 7, 'b', permitAll('y')]);
  assert.notEqual(a!.hash, b!.hash);
});

test('agents, connectors and the host cannot write policies, whatever they declare', async () => {
  const { store } = await policyStore({ mail: { artifacts: ['policy', 'draft'] }, connector: { artifacts: ['policy'] } });
  await publish(store, setOf({ a: forbidAll('no') }));
  for (const actor of ['mail/m-1', 'connector/mail', 'connector/mcp', 'host/worker', 'policy/set', 'agent/operator']) {
    const answer = await publish(store, setOf({ a: permitAll('yes') }), actor);
    assert.deepEqual(answer, { outcome: 'invalid', reason: `${actor} may not write a policy` });
  }
  assert.equal((await readPolicies(store, actions)()).decide(request()).answer, 'deny');
  assert.equal((await publish(store, setOf({ a: permitAll('yes') }))).outcome, 'written');
});

test('nobody but the operator can put another kind of document in the place of the policies', async () => {
  const { store } = await policyStore({ mail: { artifacts: ['draft'] } });
  await publish(store, setOf({ a: forbidAll('no') }));
  const { artifacts, blobs } = asArtifact(policySetId, setOf({ a: permitAll('yes') }));
  const answer = await store.commit({ ...emptyCommit('forged', 1, 'mail/m-1', {}), artifacts: artifacts.map((one) => ({ ...one, kind: 'draft' })), blobs });
  assert.equal(answer.outcome, 'invalid');
  assert.equal((await readPolicies(store, actions)()).decide(request()).answer, 'deny');
});

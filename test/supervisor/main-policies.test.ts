// Goal: the first start puts the folder's policies in force, and no later start changes what is. Method: a company folder and a real store.
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { systemClock } from '#actors/clock.ts';
import { randomId } from '#actors/ids.ts';
import { createPolicyDesk } from '#connectors/console/desk-policy.ts';
import { readPolicies } from '#connectors/knowledge.ts';
import { readStoredSchema, readStoredSet } from '#connectors/policy-set.ts';
import { startPolicies } from '#supervisor/main-policies.ts';
import { actions, askAll, assertBad, permitAll, policyStore, request } from '#test/connectors/policy-kit.ts';

async function company(files: Record<string, string> = { own: askAll('r') }) {
  const { store, disk: { dir } } = await policyStore();
  const write = (name: string, text: string) => writeFileSync(join(dir, 'policies', name), text);
  mkdirSync(join(dir, 'policies'));
  for (const [name, text] of Object.entries(files)) write(`${name}.cedar`, text);
  const start = async (available = actions) => {
    const said: string[] = [];
    await startPolicies({ dataDir: dir, store, actions: available, read: readPolicies(store, available), clock: systemClock, makeId: randomId, say: (line) => void said.push(line) });
    return said;
  };
  const answer = async () => (await readPolicies(store, actions)()).decide(request()).answer;
  const desk = createPolicyDesk({ store, clock: systemClock, makeId: randomId, actions });
  return { dir, store, write, start, answer, desk, commits: async () => ((await store.query('status', {})) as { commits: number }).commits };
}

test('the first start puts the folder in force, and a second one writes nothing', async () => {
  const { start, answer, commits } = await company();
  assert.deepEqual(await start(), []);
  assert.equal(await answer(), 'ask');
  const before = await commits();
  assert.deepEqual([await start(), await commits()], [[], before]);
});

test('a changed, added or removed file is not in force at the next start, which says so in one line', async () => {
  const { dir, start, answer, write, commits, desk } = await company({ own: askAll('r'), more: askAll('s') });
  await start();
  const before = await commits();
  for (const change of [() => write('own.cedar', permitAll('r')), () => write('third.cedar', permitAll('t')), () => rmSync(join(dir, 'policies'), { recursive: true })]) {
    change();
    const said = await start();
    assert.equal(said.length, 1);
    assert.match(said[0]!, /^policies\/ differs from what is in force\..*keelson policy publish$/);
    assert.deepEqual([await answer(), await commits()], ['ask', before]);
  }
  mkdirSync(join(dir, 'policies'));
  write('own.cedar', permitAll('r'));
  await desk.publish({ files: { own: permitAll('r') } });
  assert.deepEqual([await start(), await answer()], [[], 'allow']);
});

test('a folder that became unreadable counts as different, not as a failure: what is in force stays', async () => {
  const { start, answer, write } = await company();
  await start();
  write('own.cedar', 'permit (');
  assert.equal((await start()).length, 1);
  write('mail.json', '{}');
  assert.match((await start())[0]!, /differs/);
  assert.equal(await answer(), 'ask');
});

test('a first start with a mistake in a policy stops, with its place, and keeps nothing in force', async () => {
  const { start, store, write } = await company({ own: '@id("r") @why("x")\nforbid (principal, action == Action::"mail.sent", resource);' });
  await assertBad(start(), /^policies\/own\.cedar, line 2, rule r: unrecognized action/);
  assert.equal(await readStoredSet(store), null);
  write('own.cedar', askAll('r'));
  await start();
  assert.equal((await readStoredSet(store))?.version, 1);
});

test('policies of the language before are named, and not passed over', async () => {
  const { start, write } = await company();
  write('mail.json', '{"id":"mail","rules":[]}');
  await assertBad(start(), /policies\/mail\.json: policies are written in Cedar/);
});

test('a company without policies denies everything, and its first ones count at the next start', async () => {
  const { start, answer, write } = await company({});
  assert.match((await start())[0]!, /holds no \.cedar file: everything is denied/);
  assert.equal(await answer(), 'deny');
  write('own.cedar', askAll('r'));
  assert.deepEqual([await start(), await answer()], [[], 'ask']);
});

test('after everything was published away a start does not bring the folder back', async () => {
  const { start, answer, desk } = await company();
  await start();
  await desk.publish({ files: {} });
  assert.match((await start())[0]!, /differs/);
  assert.equal(await answer(), 'deny');
});

test('a connector that is gone takes the policies that name it out of force, loudly, and a publication brings order', async () => {
  const { store, start, desk } = await company({ own: `${permitAll('yes')}@id("pay") @why("x") forbid (principal, action == Action::"payments.charge", resource);` });
  await start();
  const fewer = actions.filter(({ money }) => !money);
  const said = await start(fewer);
  assert.equal(said.length, 1);
  assert.match(said[0]!, /everything is denied: policies\/own\.cedar, line 3, rule pay: .*keelson policy publish$/);
  assert.doesNotMatch((await readStoredSchema(store))!, /payments/);
  await desk.publish({ files: { own: permitAll('yes') } });
  assert.equal((await readPolicies(store, fewer)()).problem, null);
});

test('what policies may name is kept, and kept again only when connectors change', async () => {
  const { store, start, commits } = await company();
  await start();
  assert.match((await readStoredSchema(store))!, /action "mail\.send" in \[Action::"writes"\]/);
  assert.match((await readStoredSchema(store))!, /^ {2}amountMinor: Long,$/m);
  const before = await commits();
  await start([...actions, { name: 'web.post', connector: 'web', effect: 'write', money: false }]);
  assert.equal(await commits(), before + 1);
  assert.match((await readStoredSchema(store))!, /web\.post/);
});

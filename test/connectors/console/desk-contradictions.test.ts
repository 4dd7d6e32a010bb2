// Goal: when two statements cannot both be true, the operator's answer leaves one, and nothing to ask. Method: contradictions as the
// real store raises them, every answer the desk takes, and what stands afterwards.
import assert from 'node:assert/strict';
import test from 'node:test';
import { systemClock } from '#actors/clock.ts';
import { randomId } from '#actors/ids.ts';
import { factRequestSchema } from '#connectors/console/desk-facts.ts';
import { readStanding } from '#connectors/console/standing.ts';
import { emptyCommit } from '#machines/commit.ts';
import { KeelsonError } from '#machines/errors.ts';
import type { Fact, Label } from '#machines/records.ts';
import { useDesk } from './desk-kit.ts';

const predicate = 'person.phone';
const kit = useDesk();

const hear = async (entity: string, value: string, label: Label = 'untrusted', rest: Partial<Fact> = {}) => {
  await kit.world.store.commit({ ...emptyCommit(randomId(), systemClock.now(), 'store/test', {}), facts: [{ entity, predicate, value, label, confidence: 0.5, ...rest }] });
};
/** What was known, then what is said now; answers the entity and the question. */
const contradict = async (...said: [value: string, label?: Label][]) => {
  const entity = kit.person();
  for (const [value, label] of said) await hear(entity, value, label);
  const open = await kit.questions(entity);
  return { entity, open, id: open.at(-1)! };
};
const stateOf = async (id: string) => ((await kit.world.store.query('intent', { id })) as { state: string }).state;
const stands = async (entity: string) => [...new Set((await readStanding(kit.world.store, entity, predicate)).map(({ value }) => value as string))].toSorted((a, b) => a.localeCompare(b));
const contradicted = async (entity: string) => ((await kit.world.store.query('entityView', { id: entity, validAtMs: systemClock.now(), knownAtMs: systemClock.now() + 1 })) as { properties: Record<string, { contradicted?: string[] }> }).properties[predicate]?.contradicted;
const refused = (message: RegExp, code = 'REFUSED') => (error: unknown) => error instanceof KeelsonError && error.code === code && message.test(error.message);
/** One value stands, in the name of the operator, and nothing is left to ask. */
const assertSettled = async (entity: string, value: string) => {
  assert.deepEqual([await stands(entity), await kit.questions(entity), await contradicted(entity)], [[value], [], undefined]);
};

test('yes: the new statement is right, and corrects what was known', async () => {
  const { entity, id } = await contradict(['030 1', 'operator'], ['030 2']);
  const { state } = await kit.desk.approve(id, {});
  assert.deepEqual([state, await stateOf(id)], ['completed', 'completed']);
  await assertSettled(entity, '030 2');
  assert.ok((await readStanding(kit.world.store, entity, predicate)).some(({ label, supersedes }) => label === 'operator' && supersedes !== null));
});

test('no: what was known is right, and corrects the new statement', async () => {
  const { entity, id } = await contradict(['030 1'], ['030 2', 'operator']);
  const { state } = await kit.desk.reject(id, { reason: 'an old card' });
  assert.deepEqual([state, await stateOf(id)], ['rejected', 'rejected']);
  await assertSettled(entity, '030 1');
});

test('neither: the value that is given corrects both', async () => {
  const { entity, id } = await contradict(['030 1'], ['030 2']);
  assert.equal((await kit.desk.respond(id, { text: '030 3' })).state, 'completed');
  await assertSettled(entity, '030 3');
});

test('one of the two can be given as the answer', async () => {
  const { entity, id } = await contradict(['030 1'], ['030 2']);
  await kit.desk.respond(id, { text: '030 1' });
  await assertSettled(entity, '030 1');
});

test('a value that the predicate does not take is a wrong argument, and the question stays', async () => {
  const { entity, id } = await contradict(['030 1'], ['030 2']);
  await assert.rejects(kit.desk.respond(id, { text: 'her new one' }), refused(/^value: expected a phone number/, 'BAD_ARGUMENT'));
  assert.deepEqual([await kit.questions(entity), await stands(entity)], [[id], ['030 1', '030 2']]);
});

test('an answer to one of several questions settles those that have no answer any more', async () => {
  const { entity, open } = await contradict(['030 1'], ['030 2'], ['030 3']);
  assert.equal(open.length, 2);
  await kit.desk.approve(open[1]!, {});
  await assertSettled(entity, '030 3');
  assert.equal(await stateOf(open[0]!), 'canceled');
});

test('a no to the last of three leaves the question about the first two', async () => {
  const { entity, open } = await contradict(['030 1'], ['030 2'], ['030 3']);
  await kit.desk.reject(open[1]!, { reason: 'no' });
  assert.deepEqual([await kit.questions(entity), await stands(entity)], [[open[0]], ['030 1', '030 2']]);
  await kit.desk.approve(open[0]!, {});
  await assertSettled(entity, '030 2');
});

test('a no takes the most trusted of what was known', async () => {
  const { entity, open } = await contradict(['030 1', 'untrusted'], ['030 2', 'operator'], ['030 3']);
  await kit.desk.reject(open[1]!, { reason: 'no' });
  const [latest] = (await readStanding(kit.world.store, entity, predicate)).toReversed();
  assert.deepEqual([latest?.value, latest?.label], ['030 2', 'operator']);
});

test('what is true at another time is left alone', async () => {
  const entity = kit.person();
  const [march, april] = [Date.UTC(2026, 2, 1), Date.UTC(2026, 3, 1)];
  await hear(entity, '030 0', 'operator', { validFromMs: march, validToMs: april });
  await hear(entity, '030 1', 'untrusted', { validFromMs: april });
  await hear(entity, '030 2', 'untrusted', { validFromMs: april });
  const [id] = await kit.questions(entity);
  await kit.desk.approve(id!, {});
  assert.deepEqual([await kit.questions(entity), await stands(entity)], [[], ['030 0', '030 2']]);
});

test('a second answer hears that it is decided, also when both come at once', async () => {
  const { entity, id } = await contradict(['030 1'], ['030 2']);
  const answers = await Promise.allSettled([kit.desk.approve(id, {}), kit.desk.reject(id, { reason: 'no' }), kit.desk.respond(id, { text: '030 3' })]);
  assert.deepEqual(answers.map(({ status }) => status), ['fulfilled', 'rejected', 'rejected']);
  await assert.rejects(kit.desk.respond(id, { text: '030 4' }), refused(/is already completed/));
  await assertSettled(entity, '030 2');
});

test('an edited text is no answer to a contradiction', async () => {
  const { id } = await contradict(['030 1'], ['030 2']);
  await assert.rejects(kit.desk.approve(id, { edit: '030 3' }), refused(/does not take this answer\. Possible: approve = the new one is right/));
  assert.equal(await stateOf(id), 'input-required');
});

test('an approval of another hash than what was shown is refused', async () => {
  const { id } = await contradict(['030 1'], ['030 2']);
  await assert.rejects(kit.desk.approve(id, { hash: 'f-1-0' }), refused(/has changed since it was shown/));
  assert.equal(await stateOf(id), 'input-required');
});

test('the same answer under one id is given once, another is refused', async () => {
  const { entity, id } = await contradict(['030 1'], ['030 2']);
  const commandId = `answer-${id}`;
  const first = await kit.desk.approve(id, { commandId });
  assert.deepEqual(await kit.desk.approve(id, { commandId }), first);
  await assert.rejects(kit.desk.reject(id, { reason: 'no', commandId }), refused(/was used before for another command/));
  await assertSettled(entity, '030 2');
});

test('a question that a correction has answered meanwhile is decided', async () => {
  const { entity, id } = await contradict(['030 1'], ['030 2']);
  await kit.desk.addFact({ ...factRequestSchema.parse({ entity, predicate, value: '030 3', correct: true }) });
  await assert.rejects(kit.desk.approve(id, {}), refused(/is already canceled/));
  await assertSettled(entity, '030 3');
});

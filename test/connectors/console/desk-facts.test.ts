// Goal: what the operator states and corrects is what stands afterwards, with its history. Method: the desk on the real store; each
// fact is read back by its id.
import assert from 'node:assert/strict';
import test from 'node:test';
import { systemClock } from '#actors/clock.ts';
import { randomId } from '#actors/ids.ts';
import { factRequestSchema, readFactValue } from '#connectors/console/desk-facts.ts';
import { readStanding } from '#connectors/console/standing.ts';
import { emptyCommit } from '#machines/commit.ts';
import { KeelsonError } from '#machines/errors.ts';
import type { Fact } from '#machines/records.ts';
import { useDesk } from './desk-kit.ts';

const kit = useDesk();
let made = 0;

const add = (request: { entity: string; predicate: string; value: unknown; commandId?: string; [option: string]: unknown }) => {
  const { commandId, ...rest } = request;
  return kit.desk.addFact({ ...factRequestSchema.parse(rest), commandId });
};
const standing = async (entity: string, predicate: string) => (await readStanding(kit.world.store, entity, predicate)).map(({ value }) => value);
const heard = (fact: Omit<Fact, 'label' | 'confidence'>) => kit.world.store.commit({ ...emptyCommit(randomId(), systemClock.now(), 'store/test', {}), facts: [{ label: 'untrusted', confidence: 0.5, ...fact }] });
const commits = async () => ((await kit.world.store.query('status', {})) as { commits: number }).commits;
const refused = (code: string, message: RegExp) => (error: unknown) => error instanceof KeelsonError && error.code === code && message.test(error.message) && !error.message.includes('\n');
const price = (amountMinor: number) => ({ amountMinor, currency: 'EUR', unit: 'piece' });
const [may, june] = ['2026-05-01', '2026-06-01'];

test('a fact stands as it was said, in the name of the operator', async () => {
  const entity = kit.person();
  const added = await add({ entity, predicate: 'person.phone', value: '+49 30 1234', from: may, confidence: 0.9 });
  assert.deepEqual(added, { fact: added.fact, entity, predicate: 'person.phone', contradiction: null });
  const { value, label, confidence, valid_from_ms: from, valid_to_ms: to, actor } = (await kit.world.store.query('fact', { id: added.fact })) as Record<string, unknown>;
  assert.deepEqual([value, label, confidence, from, to, actor], ['+49 30 1234', 'operator', 0.9, Date.parse(may), null, 'operator/desk']);
});

test('a predicate of the operator\'s own takes any value, and the same rules for its truth', async () => {
  const entity = kit.person();
  assert.equal((await add({ entity, predicate: 'likes', value: { tea: ['green'] } })).contradiction, null);
  assert.notEqual((await add({ entity, predicate: 'likes', value: 'coffee' })).contradiction, null);
});

test('a word becomes what its predicate takes', () => {
  assert.equal(readFactValue('person.phone', '0301234'), '0301234');
  assert.equal(readFactValue('person.role', '42'), '42');
  assert.equal(readFactValue('organisation.payment-terms-days', '14'), 14);
  assert.deepEqual(readFactValue('product.price', JSON.stringify(price(5))), price(5));
  assert.deepEqual([readFactValue('lucky-number', '7'), readFactValue('lucky-number', 'seven')], [7, 'seven']);
  assert.deepEqual(readFactValue('product.price', '{"amountMinor": "5"}'), { amountMinor: '5' }, 'so that the reason names the path');
});

test('a value that does not fit is refused with its path, and nothing is written', async () => {
  const entity = kit.person();
  const count = await commits();
  await assert.rejects(add({ entity: 'product/logo', predicate: 'product.price', value: { ...price(5), amountMinor: '5' } }), refused('BAD_ARGUMENT', /^value\.amountMinor: expected number/));
  await assert.rejects(add({ entity, predicate: 'product.price', value: price(5) }), refused('BAD_ARGUMENT', /^entity: 'product\.price' is said about product/));
  await assert.rejects(add({ entity: 'cat/tom', predicate: 'likes', value: 1 }), refused('BAD_ARGUMENT', /^entity: expected kind\/key/));
  await assert.rejects(add({ entity, predicate: 'No Such', value: 1 }), refused('BAD_ARGUMENT', /^predicate: expected/));
  await assert.rejects(add({ entity, predicate: 'likes', value: 1, source: 'm-nowhere' }), refused('NOT_FOUND', /there is no artifact 'm-nowhere'/));
  assert.equal(await commits(), count);
});

test('a period that ends before it begins is refused', async () => {
  const entity = kit.person();
  await assert.rejects(add({ entity, predicate: 'likes', value: 1, from: june, to: may }), refused('BAD_ARGUMENT', /^to: expected a moment after 2026-06-01/));
  const { fact } = await add({ entity, predicate: 'likes', value: 1, from: june });
  await assert.rejects(add({ entity, predicate: 'likes', value: 2, supersedes: fact, to: may }), refused('BAD_ARGUMENT', /^to: expected a moment after 2026-06-01/));
});

test('a differing value becomes a question, and the answer names it', async () => {
  const entity = kit.person();
  await heard({ entity, predicate: 'person.phone', value: '030 1' });
  const { contradiction } = await add({ entity, predicate: 'person.phone', value: '030 2' });
  assert.deepEqual([contradiction], await kit.questions(entity));
  assert.deepEqual(await standing(entity, 'person.phone'), ['030 1', '030 2']);
});

test('a correction of one fact takes its place and its time, and asks nothing', async () => {
  const entity = kit.person();
  const wrong = await add({ entity, predicate: 'person.phone', value: '030 1', from: may });
  const right = await add({ entity, predicate: 'person.phone', value: '030 2', supersedes: wrong.fact });
  const { supersedes, valid_from_ms: from } = (await kit.world.store.query('fact', { id: right.fact })) as Record<string, unknown>;
  assert.deepEqual([right.contradiction, supersedes, from, await standing(entity, 'person.phone')], [null, wrong.fact, Date.parse(may), ['030 2']]);
});

test('a fact can be corrected once, by a statement about the same', async () => {
  const entity = kit.person();
  const { fact } = await add({ entity, predicate: 'person.phone', value: '030 1' });
  await assert.rejects(add({ entity, predicate: 'person.role', value: 'owner', supersedes: fact }), refused('BAD_ARGUMENT', /^supersedes: f-\d+-0 is about person\.phone of /));
  await assert.rejects(add({ entity, predicate: 'person.phone', value: '030 2', supersedes: 'f-999999-0' }), refused('NOT_FOUND', /there is no fact 'f-999999-0'/));
  await add({ entity, predicate: 'person.phone', value: '030 2', supersedes: fact });
  await assert.rejects(add({ entity, predicate: 'person.phone', value: '030 3', supersedes: fact }), refused('REFUSED', /was corrected already, by f-\d+-0/));
});

test('a correction of everything leaves one value and closes the question about the others', async () => {
  const entity = kit.person();
  await heard({ entity, predicate: 'person.phone', value: '030 1' });
  await heard({ entity, predicate: 'person.phone', value: '030 2' });
  const [question] = await kit.questions(entity);
  assert.ok(question);
  const { contradiction } = await add({ entity, predicate: 'person.phone', value: '030 3', correct: true });
  assert.deepEqual([contradiction, await standing(entity, 'person.phone'), await kit.questions(entity)], [null, ['030 3', '030 3'], []]);
  assert.equal(((await kit.world.store.query('intent', { id: question })) as { state: string }).state, 'canceled');
});

test('a correction of nothing is a plain fact', async () => {
  const entity = kit.person();
  await add({ entity, predicate: 'person.phone', value: '030 1', correct: true });
  assert.deepEqual(await standing(entity, 'person.phone'), ['030 1']);
});

test('a truth that changes holds until then, and the new one from then on, without a question', async () => {
  const entity = `product/p${++made}`;
  const first = await add({ entity, predicate: 'product.price', value: price(500), from: may });
  const { fact, contradiction } = await add({ entity, predicate: 'product.price', value: price(600), changesFrom: june });
  assert.deepEqual([contradiction, await kit.questions(entity)], [null, []]);
  const at = async (day: string) => ((await kit.world.store.query('entityView', { id: entity, validAtMs: Date.parse(day), knownAtMs: systemClock.now() + 1 })) as { properties: Record<string, { value: unknown }> }).properties['product.price']?.value;
  assert.deepEqual([await at('2026-04-30'), await at('2026-05-31'), await at(june)], [undefined, price(500), price(600)]);
  const later = (await readStanding(kit.world.store, entity, 'product.price')).find(({ supersedes }) => supersedes === first.fact);
  assert.deepEqual([later?.valid_to_ms, later?.label], [Date.parse(june), 'operator']);
  assert.ok((await readStanding(kit.world.store, entity, 'product.price')).some(({ id }) => id === fact));
});

test('the end of a statement keeps who made it', async () => {
  const entity = `product/p${++made}`;
  await heard({ entity, predicate: 'product.price', value: price(500), validFromMs: Date.parse(may) });
  await add({ entity, predicate: 'product.price', value: price(600), changesFrom: june });
  assert.deepEqual((await readStanding(kit.world.store, entity, 'product.price')).map(({ label, confidence }) => [label, confidence]), [['operator', 1], ['untrusted', 0.5]]);
});

test('a truth that was to end anyway changes until then only', async () => {
  const entity = `product/p${++made}`;
  await add({ entity, predicate: 'product.price', value: price(500), from: may, to: '2026-07-01' });
  const { fact } = await add({ entity, predicate: 'product.price', value: price(600), changesFrom: june });
  assert.equal(((await kit.world.store.query('fact', { id: fact })) as { valid_to_ms: number }).valid_to_ms, Date.parse('2026-07-01'));
});

test('a truth that was not known before cannot change', async () => {
  const entity = `product/p${++made}`;
  const change = { entity, predicate: 'product.price', value: price(600), changesFrom: may };
  await assert.rejects(add(change), refused('REFUSED', /nothing is known of product\.price of .* before 2026-05-01/));
  await add({ entity, predicate: 'product.price', value: price(500), from: june });
  await assert.rejects(add(change), refused('REFUSED', /nothing is known/));
});

test('ways of correcting are not mixed, and events are corrected one by one', async () => {
  const entity = kit.person();
  const { fact } = await add({ entity, predicate: 'person.phone', value: '030 1' });
  const base = { entity, predicate: 'person.phone', value: '030 2' };
  for (const mixed of [{ correct: true, supersedes: fact }, { correct: true, changesFrom: may }, { changesFrom: may, supersedes: fact }]) await assert.rejects(add({ ...base, ...mixed }), refused('BAD_ARGUMENT', /choose one of/));
  await assert.rejects(add({ ...base, changesFrom: june, from: may }), refused('BAD_ARGUMENT', /leave from out/));
  const note = { entity: 'asset/van', predicate: 'asset.note', value: 'new tyres' };
  for (const all of [{ correct: true }, { changesFrom: may }]) await assert.rejects(add({ ...note, ...all }), refused('BAD_ARGUMENT', /stands for itself/));
});

test('a remark is kept with its target and found by its words', async () => {
  const entity = kit.person();
  const { fact } = await add({ entity, predicate: 'person.phone', value: '030 1' });
  const word = `zebra${made}`;
  const { annotation, target } = await kit.desk.annotate({ kind: 'fact', id: fact, text: `as the ${word} said`, reason: 'on the phone' });
  assert.deepEqual(target, { kind: 'fact', id: fact });
  const { kind, target: about, text, reason, actor } = (await kit.world.store.query('annotation', { id: annotation })) as Record<string, unknown>;
  assert.deepEqual([kind, about, text, reason, actor], ['remark', fact, `as the ${word} said`, 'on the phone', 'operator/desk']);
  assert.deepEqual(((await kit.world.store.query('search', { text: word, kinds: ['remark'] })) as { kind: string }[]).map((hit) => hit.kind), ['remark']);
});

test('a remark is possible on every kind of row, and on nothing that is not there', async () => {
  const entity = kit.person();
  await kit.world.start('operation/remarked', 'operation@1', { id: 'remarked', action: 'mail.send', connector: 'mail', payload: { from: { address: 'me@studio.example', name: '' }, to: { address: 'you@example.org', name: '' }, subject: 'x', text: 'y', inReplyTo: null, references: [] }, summary: 'x', category: null, confidence: null, reasons: [], evidence: [], trusted: [], remindAfterMs: 1_000_000, expireAfterMs: 1_000_000 });
  const text = 'policy text';
  await kit.world.store.commit({
    ...emptyCommit(randomId(), systemClock.now(), 'store/test', {}),
    intents: [{ id: 't-remarked', kind: 'task', state: 'input-required', summary: 'x' }],
    decisions: [{ what: 'x', outcome: 'y', confidence: null, reasons: [], evidence: [], policy: null, model: null, costMicros: null }],
    artifacts: [{ id: 'policy/remarked', kind: 'policy', mediaType: 'text/plain', hash: 'h', sizeBytes: text.length, text }],
  });
  const { fact } = await add({ entity, predicate: 'person.role', value: 'owner' });
  const first = await kit.desk.annotate({ kind: 'entity', id: entity, text: 'x' });
  const [decision] = (await kit.world.store.query('decisions', { actor: 'store/test' })) as { id: string }[];
  const there = { fact, intent: 't-remarked', decision: decision!.id, artifact: 'policy/remarked#L1', policy: 'policy/remarked', operation: 'remarked', annotation: first.annotation } as const;
  for (const [kind, id] of Object.entries(there) as [keyof typeof there, string][]) {
    assert.deepEqual((await kit.desk.annotate({ kind, id, text: 'x' })).target, { kind, id });
    await assert.rejects(kit.desk.annotate({ kind, id: 'nowhere', text: 'x' }), refused('NOT_FOUND', new RegExp(`there is no ${kind} 'nowhere'`)));
  }
  await assert.rejects(kit.desk.annotate({ kind: 'entity', id: 'person/nowhere', text: 'x' }), refused('NOT_FOUND', /there is no entity/));
});

test('a command given again is done once and answered as before; with other content it is refused', async () => {
  const entity = kit.person();
  const request = { entity, predicate: 'person.phone', value: '030 1', commandId: `fact-${entity}` };
  const first = await add(request);
  const count = await commits();
  assert.deepEqual(await add(request), first);
  for (const other of [{ value: '030 2' }, { from: may }, { correct: true }, { entity: kit.person() }]) await assert.rejects(add({ ...request, ...other }), refused('REFUSED', /was used before for another command; nothing was changed/));
  const remark = { kind: 'fact' as const, id: first.fact, text: 'x', commandId: `remark-${entity}` };
  const annotated = await kit.desk.annotate(remark);
  assert.deepEqual(await kit.desk.annotate(remark), annotated);
  await assert.rejects(kit.desk.annotate({ ...remark, text: 'y' }), refused('REFUSED', /was used before/));
  await assert.rejects(kit.desk.annotate({ ...remark, commandId: request.commandId }), refused('REFUSED', /was used before/));
  assert.equal(await commits(), count + 1);
});

test('the same command with two contents at once is done once', async () => {
  const entity = kit.person();
  const both = await Promise.allSettled(['030 1', '030 2'].map((value) => add({ entity, predicate: 'person.phone', value, commandId: `race-${entity}` })));
  assert.deepEqual(both.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected']);
  assert.equal((await standing(entity, 'person.phone')).length, 1);
});

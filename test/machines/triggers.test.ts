import assert from 'node:assert/strict';
import test from 'node:test';
import { childAddress } from '#machines/address.ts';
import { emptyCommit, type Commit } from '#machines/commit.ts';
import { KeelsonError } from '#machines/errors.ts';
import { assertTriggers, changesOf, changeSchema, matches, parseTrigger, toTriggerMessage, type Change } from '#machines/triggers.ts';

const badConfig = (words: RegExp) => (error: unknown) => error instanceof KeelsonError && error.code === 'BAD_CONFIG' && words.test(error.message);
const start = { machine: 'dunning@1' };
const hash = (value: string) => `h(${value})`;
const trigger = (parts: object) => parseTrigger({ name: 't', on: 'fact', start, ...parts });
const fact = (value: unknown, parts: object = {}): Change => ({ kind: 'fact', id: 'f-12-0', seq: 12, atMs: 1, actor: 'triage/1', entity: 'organisation/acme', predicate: 'invoice', value, label: 'untrusted', confidence: 0.9, source: null, ...parts });

test('each condition holds for what it says, and nothing else', () => {
  const value = { amountMinor: 5_000, dueDate: '2026-11-01', paid: false, note: null, tags: ['a', 'b'], lines: [{ sku: 'A1' }], payee: 'Acme GmbH' };
  const table: [object, boolean][] = [
    [{ path: 'amountMinor', is: 'eq', value: 5_000 }, true], [{ path: 'amountMinor', is: 'eq', value: '5000' }, false], [{ path: 'paid', is: 'eq', value: false }, true],
    [{ path: 'note', is: 'eq', value: null }, true], [{ path: 'missing', is: 'eq', value: null }, false], [{ path: 'tags', is: 'eq', value: 'a' }, false],
    [{ path: 'amountMinor', is: 'ne', value: 1 }, true], [{ path: 'amountMinor', is: 'ne', value: 5_000 }, false], [{ path: 'missing', is: 'ne', value: 1 }, false],
    [{ path: 'amountMinor', is: 'gt', value: 4_999 }, true], [{ path: 'amountMinor', is: 'gt', value: 5_000 }, false], [{ path: 'amountMinor', is: 'gt', value: '1' }, false],
    [{ path: 'amountMinor', is: 'gte', value: 5_000 }, true], [{ path: 'amountMinor', is: 'gte', value: 5_001 }, false],
    [{ path: 'amountMinor', is: 'lt', value: 5_001 }, true], [{ path: 'amountMinor', is: 'lt', value: 5_000 }, false], [{ path: 'note', is: 'lt', value: 1 }, false],
    [{ path: 'amountMinor', is: 'lte', value: 5_000 }, true], [{ path: 'amountMinor', is: 'lte', value: 4_999 }, false],
    [{ path: 'dueDate', is: 'lt', value: '2026-12-01' }, true], [{ path: 'dueDate', is: 'gte', value: '2026-12-01' }, false], [{ path: 'missing', is: 'lt', value: 'z' }, false],
    [{ path: 'payee', is: 'contains', value: 'GmbH' }, true], [{ path: 'payee', is: 'contains', value: 'gmbh' }, false], [{ path: 'tags', is: 'contains', value: 'b' }, true],
    [{ path: 'tags', is: 'contains', value: 'c' }, false], [{ path: 'amountMinor', is: 'contains', value: 5 }, false], [{ path: 'missing', is: 'contains', value: 'x' }, false],
    [{ path: 'paid', is: 'exists' }, true], [{ path: 'note', is: 'exists' }, true], [{ path: 'missing', is: 'exists' }, false], [{ path: 'missing', is: 'exists', value: false }, true], [{ path: 'paid', is: 'exists', value: false }, false],
    [{ path: 'lines.0.sku', is: 'eq', value: 'A1' }, true], [{ path: 'lines.1.sku', is: 'exists' }, false], [{ path: 'payee.0', is: 'exists' }, false],
    [{ is: 'exists' }, true], [{ is: 'eq', value: 'x' }, false],
    // Own properties only.
    [{ path: '__proto__', is: 'exists' }, false], [{ path: 'constructor.name', is: 'exists' }, false], [{ path: 'tags.map', is: 'exists' }, false], [{ path: 'toString', is: 'exists' }, false],
  ];
  for (const [condition, expected] of table) assert.equal(matches(trigger({ where: [condition] }), fact(value)), expected, JSON.stringify(condition));
  assert.equal(matches(trigger({ where: [{ is: 'eq', value: 'active' }] }), fact('active')), true, 'a plain value has no path');
  assert.equal(matches(trigger({ where: [{ path: 'a', is: 'eq', value: 1 }, { path: 'b', is: 'eq', value: 1 }] }), fact({ a: 1, b: 2 })), false, 'all must hold');
});

test('filters name what a change must be', () => {
  const intent: Change = { kind: 'intent', id: 'i-3-0', seq: 3, atMs: 1, actor: 'triage/1', intent: 'q-1', intentKind: 'question', state: 'completed', summary: '', data: { risk: 'high' } };
  const table: [object, Change, boolean][] = [
    [{}, fact(1), true], [{ on: 'intent' }, fact(1), false], [{ predicate: 'invoice' }, fact(1), true], [{ predicate: 'receipt' }, fact(1), false],
    [{ entityKind: 'organisation' }, fact(1), true], [{ entityKind: 'person' }, fact(1), false], [{ label: 'untrusted' }, fact(1), true], [{ label: 'operator' }, fact(1), false],
    [{ on: 'intent', kind: 'question' }, intent, true], [{ on: 'intent', kind: 'approval' }, intent, false], [{ on: 'intent', state: 'completed' }, intent, true], [{ on: 'intent', state: 'failed' }, intent, false],
    [{ on: 'intent', where: [{ path: 'risk', is: 'eq', value: 'high' }] }, intent, true],
    [{ on: 'artifact', kind: 'mail', where: [{ path: 'sizeBytes', is: 'gt', value: 10 }] }, { kind: 'artifact', id: 'v-1-0', seq: 1, atMs: 1, actor: 'connector/mail', artifactKind: 'mail', sizeBytes: 11 }, true],
    [{ on: 'decision', where: [{ path: 'outcome', is: 'eq', value: 'deny' }] }, { kind: 'decision', id: 'd-1-0', seq: 1, atMs: 1, actor: 'operation/1', outcome: 'deny' }, true],
    [{ on: 'annotation', kind: 'remark' }, { kind: 'annotation', id: 'a-1-0', seq: 1, atMs: 1, actor: 'operator/me', annotationKind: 'remark' }, true],
  ];
  for (const [parts, change, expected] of table) assert.equal(matches(trigger(parts), change), expected, JSON.stringify(parts));
});

test('what an actor records that this trigger started or wakes, or a child of it, does not fire it again', () => {
  const own = 'dunning/t-f-1-0';
  const child = childAddress('copy', own, 'writer', 2);
  const wake = { start: undefined, wake: { to: 'dunning/main', type: 'LOOK' } };
  const table: [object, string, boolean][] = [
    [{}, own, false], [{}, child, false], [{}, childAddress('operation', child, 'send', 0), false],
    [{}, 'dunning/other', true], [{}, 'dunning/t', true], [{}, 'dunning/t-2-f-1-0', true], [{}, 'copy/t-f-1-0', true], [{}, 'copy/dunning.t-f-1-0', true],
    [{ start: { ...start, key: 'payee' } }, 'dunning/t:Acme', false],
    [wake, 'dunning/main', false], [wake, childAddress('copy', 'dunning/main', 'writer', 2), false], [wake, 'dunning/mainly', true], [wake, 'dunning/main-2', true],
  ];
  for (const [parts, actor, expected] of table) assert.equal(matches(trigger(parts), fact(1, { actor })), expected, `${JSON.stringify(parts)} ${actor}`);
});

test('a match starts an actor of its own, or one for each value of the key, or wakes one', () => {
  const change = fact({ payee: 'Acme', bad: 'line\nbreak' });
  const message = toTriggerMessage(trigger({}), change, hash);
  assert.deepEqual(message, { id: 'trigger:t#f-12-0', from: 'store/triggers', to: 'dunning/t-f-12-0', body: { kind: 'start', machine: 'dunning@1', input: { change } } });
  assert.equal(toTriggerMessage(trigger({ start: { ...start, key: 'payee' } }), change, hash).to, 'dunning/t:h(Acme)');
  for (const key of ['missing', 'bad']) assert.equal(toTriggerMessage(trigger({ start: { ...start, key } }), change, hash).to, 'dunning/t-f-12-0', 'what is no key');
  assert.deepEqual(toTriggerMessage(trigger({ start: undefined, wake: { to: 'dunning/main', type: 'LOOK' } }), change, hash).body, { kind: 'event', event: { type: 'LOOK', change } });
});

test('a change too long for a message goes without its long fields', () => {
  const message = toTriggerMessage(trigger({}), fact({ text: 'ü'.repeat(400_000) }), hash);
  const { change } = (message.body as { input: { change: Change } }).input;
  assert.equal(change.cut, true);
  assert.equal(change['value'], undefined);
  assert.equal(change['entity'], 'organisation/acme');
  assert.ok(JSON.stringify(message).length < 100_000);
});

test('a trigger that is wrong is BAD_CONFIG, and says where', () => {
  const table: [object, RegExp][] = [
    [{ name: 'Big' }, /name/], [{ on: 'actor' }, /on/], [{ start: undefined }, /either start or wake/], [{ wake: { to: 'a/b', type: 'X' } }, /either start or wake/],
    [{ start: { machine: 'dunning' } }, /start\.machine/], [{ start: undefined, wake: { to: 'nowhere', type: 'X' } }, /wake\.to/], [{ start: undefined, wake: { to: 'a/b', type: 'xstate.init' } }, /wake\.type/],
    [{ state: 'completed' }, /state: says nothing about fact/], [{ on: 'intent', predicate: 'x' }, /predicate: says nothing about intent/], [{ on: 'intent', kind: 'mail' }, /kind: expected one of approval/],
    [{ entityKind: 'planet' }, /entityKind/], [{ label: 'loud' }, /label/], [{ from: 'yesterday' }, /from/], [{ extra: 1 }, /extra/],
    [{ where: [{ path: 'a', is: 'like', value: 'x' }] }, /where\.0/], [{ where: [{ path: 'a', is: 'gt', value: true }] }, /where\.0\.value/], [{ where: [{ path: 'a', is: 'eq' }] }, /where\.0\.value/],
    [{ where: [{ path: 'a..b', is: 'exists' }] }, /where\.0\.path/], [{ where: [{ path: 'a', is: 'eq', value: { deep: 1 } }] }, /where\.0\.value/],
  ];
  for (const [parts, words] of table) assert.throws(() => trigger(parts), badConfig(words), JSON.stringify(parts));
});

test('triggers with one name, or for machines that are not there, are BAD_CONFIG', () => {
  assertTriggers([trigger({}), trigger({ name: 'u' })], ['dunning@1']);
  assert.throws(() => assertTriggers([trigger({}), trigger({})], ['dunning@1']), badConfig(/two triggers are called 't'/));
  assert.throws(() => assertTriggers([trigger({})], ['dunning@2']), badConfig(/starts 'dunning@1'/));
  assert.throws(() => assertTriggers([trigger({ start: undefined, wake: { to: 'copy/1', type: 'X' } })], ['dunning@1']), badConfig(/wakes copy\/1/));
});

test('the changes of a commit are plain, numbered, and of one kind at a time', () => {
  const commit: Commit = {
    ...emptyCommit('c1', 5, 'triage/1', {}),
    facts: [{ entity: 'organisation/acme', predicate: 'invoice', value: 1, label: 'system', confidence: 1 }, { entity: 'organisation/acme', predicate: 'receipt', value: 2, label: 'system', confidence: 1 }],
    intents: [{ id: 'q', kind: 'question', state: 'input-required' }],
    artifacts: [{ id: 'mail/1', kind: 'mail', mediaType: 'message/rfc822', hash: 'h', sizeBytes: 1 }],
    decisions: [{ what: 'send', outcome: 'deny', confidence: null, reasons: [], evidence: [], policy: null, model: null, costMicros: null }],
    annotations: [{ kind: 'remark', target: { kind: 'fact', id: 'f-1-0' }, text: 'no' }],
  };
  const ids = (['fact', 'intent', 'artifact', 'decision', 'annotation'] as const).map((kind) => changesOf(commit, 7, kind).map((change) => changeSchema.parse(change).id));
  assert.deepEqual(ids, [['f-7-0', 'f-7-1'], ['i-7-0'], ['v-7-0'], ['d-7-0'], ['a-7-0']]);
});

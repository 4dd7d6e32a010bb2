import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { bodySchema, isReservedType, jobSchema, limits, messageType } from '#machines/message.ts';

const gen = 'boss/1#1.0';
const owner = { address: 'boss/1', child: 'kid', gen };
const bodies = [
  { kind: 'start', machine: 'boss@1', input: { a: 1 } },
  { kind: 'start', machine: 'kid@1', input: null, parent: owner },
  { kind: 'event', event: { type: 'GO', n: 1, nested: { a: [1, 2] } } },
  { kind: 'timer', timer: 'xstate.after.100.boss.waiting', gen },
  { kind: 'done', child: 'kid', gen, output: 3 },
  { kind: 'error', child: 'kid', gen, error: { code: 'X', message: 'y' } },
  { kind: 'stop' },
  { kind: 'stop', gen },
];

for (const body of bodies) {
  test(`a body of kind ${body.kind} is read unchanged: ${JSON.stringify(body).slice(0, 60)}`, () => assert.deepEqual(bodySchema.parse(body), body));
}

test("an event's own fields pass; what they may be is for the machine's schema", () => {
  fc.assert(fc.property(fc.dictionary(fc.string().filter((name) => name !== 'type' && name !== '__proto__'), fc.jsonValue()), (fields) => {
    const body = { kind: 'event', event: { ...fields, type: 'GO' } };
    assert.deepEqual(bodySchema.parse(body), body);
  }));
});

test('anything else is refused and nothing throws but the schema', () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => assert.equal(bodySchema.safeParse(value).success, false)));
});

for (const [what, bad] of [
  ['an unknown kind', { kind: 'commit' }],
  ['an event without type', { kind: 'event', event: {} }],
  ['an event whose type is empty', { kind: 'event', event: { type: '' } }],
  ['an event whose type is too long', { kind: 'event', event: { type: 'x'.repeat(limits.typeChars + 1) } }],
  ['an event that is a list', { kind: 'event', event: ['GO'] }],
  ['a timer without generation', { kind: 'timer', timer: 't' }],
  ['a generation that is too long', { kind: 'timer', timer: 't', gen: 'x'.repeat(limits.idChars + 1) }],
  ['a result without child', { kind: 'done', gen, output: 1 }],
  ['a parent that is no address', { kind: 'start', machine: 'm@1', input: {}, parent: { ...owner, address: 'nowhere' } }],
] as const) {
  test(`${what} is refused`, () => assert.equal(bodySchema.safeParse(bad).success, false));
}

const job = { kind: 'job', activity: 'mail.send', input: {}, owner, attempt: 1 };
test('a job is read unchanged', () => assert.deepEqual(jobSchema.parse(job), job));
for (const attempt of [0, -1, 1.5, '1']) test(`attempt ${JSON.stringify(attempt)} of a job is refused`, () => assert.equal(jobSchema.safeParse({ ...job, attempt }).success, false));

test("a message's type is that of its event, else the host's own", () => {
  assert.equal(messageType({ kind: 'event', event: { type: 'GO' } }), 'GO');
  assert.equal(messageType({ kind: 'stop' }), 'keelson.stop');
  assert.equal(messageType(jobSchema.parse(job)), 'keelson.job');
});

test('whatever begins like a type of XState or of the host is reserved', () => {
  fc.assert(fc.property(fc.constantFrom('xstate.', 'keelson.'), fc.string(), (prefix, rest) => assert.equal(isReservedType(prefix + rest), true)));
  for (const type of ['', '*']) assert.equal(isReservedType(type), true);
  for (const type of ['GO', 'note.add', 'xstates', 'Xstate.done']) assert.equal(isReservedType(type), false);
});

test('the type of every message the host makes is reserved', () => {
  for (const body of bodies) if (body.kind !== 'event') assert.ok(isReservedType(messageType(body as never)));
});

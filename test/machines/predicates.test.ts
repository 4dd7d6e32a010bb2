// Goal: nothing is recorded that a later reader could not understand, and what was recorded long ago still reads. Method: the
// registry itself, rows as they were written under older versions, the facts of real runs, and values made to do harm.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import * as fc from 'fast-check';
import { parseMail } from '#connectors/mail/parse.ts';
import { KeelsonError } from '#machines/errors.ts';
import { entityKinds, factLimits, predicateOf, predicates, upcastValue, whyNotFact, type Json } from '#machines/predicates.ts';
import { bannedKeys } from '#machines/json-limits.ts';
import type { Fact } from '#machines/records.ts';
import { sampleMailbox } from '#supervisor/company.ts';
import { inquiry, runMail } from './pipelines/mail-kit.ts';
import { performed } from '#test/kit/verdict.ts';

const fixtures = join(import.meta.dirname, 'fixtures/facts');
const fixtureOf = (name: string, version: number) => join(fixtures, `${name}.v${version}.json`);
const olderVersions = predicates.flatMap((predicate) => Array.from({ length: predicate.version - 1 }, (_, i) => ({ predicate, version: i + 1 })));
const note = (value: unknown, by: 'operator' | 'agent' = 'operator') => whyNotFact({ entity: 'asset/laptop', predicate: 'any.name', value }, by);
const nested = (levels: number): unknown => JSON.parse('['.repeat(levels) + ']'.repeat(levels));
const codeOf = (work: () => unknown) => {
  try {
    return work();
  } catch (error) {
    return error instanceof KeelsonError ? error.code : error;
  }
};

test('every predicate has a name of its own, a kind it is said about, and an upcaster for each older version', () => {
  assert.equal(new Set(predicates.map(({ name }) => name)).size, predicates.length);
  for (const predicate of predicates) {
    assert.match(predicate.name, factLimits.freeName);
    assert.equal(predicateOf(predicate.name), predicate);
    assert.ok(predicate.of.length > 0 && predicate.of.every((kind) => entityKinds.includes(kind)), predicate.name);
    assert.deepEqual(Object.keys(predicate.upcast).map(Number), Array.from({ length: predicate.version - 1 }, (_, i) => i + 1), predicate.name);
  }
});

test('every older version has rows from its time', () => {
  for (const { predicate: { name }, version } of olderVersions) assert.ok(existsSync(fixtureOf(name, version)), `there is no ${fixtureOf(name, version)}: keep some rows of the old version there before the new one is written`);
});

for (const { predicate, version } of olderVersions) {
  test(`a fact '${predicate.name}' of version ${version} reads as one of today`, () => {
    const rows = JSON.parse(readFileSync(fixtureOf(predicate.name, version), 'utf8')) as Fact[];
    assert.ok(rows.length > 0);
    for (const row of rows) {
      assert.equal(row.predicate, predicate.name);
      const before = structuredClone(row.value);
      const value = upcastValue(predicate, version, row.value);
      assert.equal(whyNotFact({ ...row, value }, 'agent'), null);
      assert.deepEqual(row.value, before, 'an upcaster changed what it was given');
      assert.notEqual(whyNotFact(row, 'agent'), null, 'the old value fits today as it is: why is there a new version?');
    }
  });
}

test('a value of this version is read as it is, one of an unknown version is refused', () => {
  const receipt = predicateOf('receipt')!;
  const value: Json = { amountMinor: 5 };
  assert.equal(upcastValue(receipt, receipt.version, value), value);
  assert.deepEqual(upcastValue(receipt, 1, value), { amountMinor: 5, line: null });
  for (const version of [0, 1.5, receipt.version + 1, Number.NaN]) assert.equal(codeOf(() => upcastValue(receipt, version, value)), 'BAD_MESSAGE');
  assert.equal(codeOf(() => upcastValue({ ...receipt, upcast: {} }, 1, value)), 'BAD_MESSAGE');
});

test('everything that the agents record of the sample mailbox may be recorded', async () => {
  const seen = new Set<string>();
  for (const file of readdirSync(sampleMailbox)) {
    const run = await runMail((await parseMail(readFileSync(join(sampleMailbox, file)))).mail);
    for (const fact of run.sim.recorded.facts) {
      assert.equal(whyNotFact(fact, 'agent'), null, `${file}: ${fact.predicate}`);
      seen.add(fact.predicate);
    }
  }
  assert.deepEqual([...seen].toSorted(), ['invoice', 'mail.received', 'payment', 'person.name', 'receipt']);
});

test('what is recorded of a reply may be recorded, sent or not', async () => {
  for (const [done, name] of [[true, 'mail.sent'], [false, 'mail.written-not-sent']] as const) {
    const run = await runMail(inquiry, { 'operation.commit': async () => performed({ done, facts: [{ entity: 'person/nina@holt.example', predicate: name, value: { subject: 'Re', operation: 'o' }, label: 'system', confidence: 1 }] }) });
    await run.answer('operation', { type: 'APPROVE', payloadHash: run.only('approval').data.payloadHash });
    const fact = run.sim.recorded.facts.find(({ predicate }) => predicate === name);
    assert.ok(fact, name);
    assert.equal(whyNotFact(fact, 'agent'), null);
  }
});

const good: [string, string, unknown][] = [
  ['asset/imap-inbox', 'imap.cursor', { uidValidity: '17', lastUid: 0 }],
  ['person/anna@example.org', 'person.name', ''],
  ['person/anna@example.org', 'person.email', 'anna@example.org'],
  ['person/anna@example.org', 'person.phone', '+49 (0)30 123 45-67'],
  ['person/anna@example.org', 'person.employer', 'organisation/Müller & Söhne'],
  ['person/anna@example.org', 'person.role', 'Head of Purchasing'],
  ['organisation/acme', 'organisation.name', 'ACME GmbH'],
  ['organisation/acme', 'organisation.iban', 'DE89370400440532013000'],
  ['organisation/acme', 'organisation.vat-id', 'DE123456789'],
  ['organisation/acme', 'organisation.address', { street: 'Weg 1', postalCode: '10115', city: 'Berlin', country: 'DE' }],
  ['organisation/acme', 'organisation.payment-terms-days', 14],
  ['project/site', 'project.name', 'New site'],
  ['project/site', 'project.client', 'person/anna@example.org'],
  ['project/site', 'project.status', 'active'],
  ['project/site', 'project.budget', { amountMinor: 500_000, currency: 'EUR' }],
  ['product/hour', 'product.name', 'One hour'],
  ['product/hour', 'product.price', { amountMinor: 9_500, currency: 'EUR', unit: 'hour' }],
  ['account/main', 'account.name', 'Main account'],
  ['account/main', 'account.iban', 'GB82WEST12345698765432'],
  ['account/main', 'account.balance', { amountMinor: -1, currency: 'EUR', date: '2026-02-28' }],
  ['asset/laptop', 'asset.name', 'Laptop'],
  ['asset/laptop', 'asset.expires-on', '2027-01-01'],
  ['asset/laptop', 'asset.note', 'The screen\nis loose.'],
];
test('a value that fits may be recorded by anyone', () => {
  for (const [entity, predicate, value] of good) for (const by of ['agent', 'operator'] as const) assert.equal(whyNotFact({ entity, predicate, value }, by), null, `${predicate} by ${by}`);
});

const bad: [string, string, unknown, RegExp][] = [
  ['organisation/acme', 'organisation.iban', 'DE89370400440532013001', /^value: expected an IBAN whose check digits are right$/],
  ['organisation/acme', 'organisation.iban', 'DE89 3704 0044 0532 0130 00', /^value: expected an IBAN without spaces$/],
  ['organisation/acme', 'organisation.payment-terms-days', -1, /^value: /],
  ['organisation/acme', 'organisation.name', 'two\nlines', /^value: expected one line/],
  ['organisation/acme', 'organisation.address', { street: 'Weg 1' }, /^value\.postalCode: expected string, received undefined$/],
  ['person/anna', 'person.employer', 'person/bo', /^value: expected organisation\/…$/],
  ['person/anna', 'person.email', 'anna', /^value: /],
  ['project/site', 'project.budget', { amountMinor: '5', currency: 'EUR' }, /^value\.amountMinor: expected number, received string$/],
  ['project/site', 'project.budget', { amountMinor: 0.5, currency: 'EUR' }, /^value\.amountMinor: expected int, received number$/],
  ['project/site', 'project.budget', { amountMinor: 5, currency: 'euro' }, /^value\.currency: expected an ISO 4217 code/],
  ['project/site', 'project.budget', { amountMinor: 5, currency: 'EUR', note: 'x' }, /^value: Unrecognized key: "note"$/],
  ['account/main', 'account.balance', { amountMinor: 1, currency: 'EUR', date: '2026-02-30' }, /^value\.date: /],
  ['organisation/acme', 'person.name', 'Anna', /^entity: 'person\.name' is said about person, not about organisation$/],
];
test('a value that does not fit is refused with its path, the operator included', () => {
  for (const [entity, predicate, value, reason] of bad) for (const by of ['agent', 'operator'] as const) assert.match(whyNotFact({ entity, predicate, value }, by) ?? 'null', reason);
});

test('an agent uses registered predicates only, the operator any well-formed name', () => {
  for (const name of ['favourite.colour', 'x', 'constructor', `a${'b'.repeat(63)}`]) {
    assert.match(whyNotFact({ entity: 'asset/a', predicate: name, value: 1 }, 'agent') ?? 'null', /^predicate: .* is not registered/);
    assert.equal(whyNotFact({ entity: 'asset/a', predicate: name, value: { any: [1, null] } }, 'operator'), null);
  }
  for (const name of ['', 'A', '1a', 'a b', 'a_b', 'a\n', '__proto__', `a${'b'.repeat(64)}`]) for (const by of ['agent', 'operator'] as const) assert.match(whyNotFact({ entity: 'asset/a', predicate: name, value: 1 }, by) ?? 'null', /^predicate: /);
});

test('an entity is a known kind and a printable key', () => {
  for (const entity of ['', 'asset', 'asset/', '/a', 'ship/a', 'Asset/a', ' asset/a', 'asset/a\n', 'asset/a\u0000b', 'asset/\u0085', 'asset/\ud800', `asset/${'a'.repeat(factLimits.keyChars + 1)}`]) assert.match(whyNotFact({ entity, predicate: 'x', value: 1 }, 'operator') ?? 'null', /^entity: /, JSON.stringify(entity));
  for (const entity of ['asset/a/b', 'asset/ä 🚀', `asset/${'a'.repeat(factLimits.keyChars)}`]) assert.equal(whyNotFact({ entity, predicate: 'x', value: 1 }, 'operator'), null);
});

test('a value is plain JSON without keys that reach into prototypes', () => {
  for (const value of [undefined, Number.NaN, Infinity, 1n, () => 1, Symbol('x'), new Date(0), new Map(), Object.create({ a: 1 }), Array(3), Object.assign([1], { x: 2 })]) assert.match(note({ deep: [value] }) ?? 'null', /^value\.deep\.0: expected /, typeof value);
  for (const key of bannedKeys) assert.equal(note(JSON.parse(`{"a":[{"${key}":{}}]}`)), `value.a.0: the key '${key}' is not allowed`);
  for (const value of ['\ud800', { '\udfff': 1 }, ['x\ud800']]) assert.match(note(value) ?? 'null', /half a surrogate pair/);
  assert.equal(note(Object.assign(Object.create(null), { a: 1 })), null);
});

test('a value is as deep and as large as the limit, not more', () => {
  assert.equal(note(nested(factLimits.valueDepth)), null);
  assert.match(note(nested(factLimits.valueDepth + 1)) ?? 'null', /^value(\.0)+: expected at most 32 levels$/);
  for (const [fits, more] of [['a', 'a'], ['ä', 'a'], ['🚀', 'a']] as const) {
    const text = fits.repeat(Math.floor((factLimits.valueBytes - 2) / Buffer.byteLength(fits)));
    const filled = text + 'a'.repeat(factLimits.valueBytes - 2 - Buffer.byteLength(text));
    assert.equal(note(filled), null);
    assert.equal(note(filled + more), 'value: expected at most 65536 bytes of JSON');
  }
});

test('a circle, however wide, is refused and ends', () => {
  const circle: unknown[] = [];
  circle.push(circle, circle, circle);
  assert.match(note(circle) ?? 'null', /^value/);
});

test('a reason is short and well-formed, whatever it is about', () => {
  const reasons = [note({ ['k'.repeat(1_000)]: undefined }), whyNotFact({ entity: `${'\ud800'.repeat(500)}/a`, predicate: 'x', value: 1 }, 'agent'), whyNotFact({ entity: 'asset/a', predicate: '\ud800'.repeat(500), value: 1 }, 'agent')];
  for (const reason of reasons) assert.ok(reason !== null && reason.length <= factLimits.reasonChars && reason.isWellFormed());
});

test('any JSON value is counted as it is written', () => {
  fc.assert(fc.property(fc.jsonValue({ maxDepth: 6, stringUnit: 'grapheme' }), (value) => {
    const text = JSON.stringify(value);
    const padded = [JSON.parse(text) as Json, 'a'.repeat(factLimits.valueBytes - Buffer.byteLength(text) - 5)];
    fc.pre(!/"(?:__proto__|constructor|prototype)":/.test(text) && text.isWellFormed());
    assert.equal(Buffer.byteLength(JSON.stringify(padded)), factLimits.valueBytes);
    assert.equal(note(padded), null);
    assert.match(note([...padded, 1]) ?? 'null', /bytes of JSON$/);
  }));
});

// Goal: what is shown of an entity at any moment, as far as it was known at any other, is what a person would have noted down
// then. Method: random commits through a real committer, beside a notebook that is copied after each of them.
import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { predicateOf } from '#machines/predicates.ts';
import { labelSchema, partId, partNumber, type Fact, type Label } from '#machines/records.ts';
import { eventsShown, viewEntity, type EntityView, type FactRow } from '#store/entity-view.ts';
import { runQuery } from '#store/queries.ts';
import { withCode } from '#test/contract/database.ts';
import { commitOf, openTemp, tempStore } from './temp-store.ts';

const seed = Number(process.env['KEELSON_TEST_SEED'] ?? process.pid * 7919);
const startMs = 1_790_000_000_000;
const iso = (ms: number) => new Date(ms).toISOString();

let rows = 0;
const rowOf = (row: Partial<FactRow> & { predicate: string }): FactRow => ({ n: partNumber(++rows, 0), entity: 'person/anna', version: 1, value: '"x"', label: 'untrusted', confidence: 1, source: null, supersedes: null, valid_from_ms: 10, valid_to_ms: null, recorded_ms: 10, ...row });
const viewAt = (facts: FactRow[], validAtMs = 100, knownAtMs = 100) => viewEntity(facts, { id: 'person/anna', validAtMs, knownAtMs });
const valuesAt = (facts: FactRow[], validAtMs?: number, knownAtMs?: number) => Object.values(viewAt(facts, validAtMs, knownAtMs).properties).map(({ value }) => value);

test('a fact counts from its first moment up to, not including, its last', () => {
  const facts = [rowOf({ predicate: 'person.phone', valid_from_ms: 20, valid_to_ms: 30 })];
  assert.deepEqual([19, 20, 29, 30].map((at) => valuesAt(facts, at).length), [0, 1, 1, 0]);
});

test('a correction counts from when it was known, also for the time before', () => {
  const wrong = rowOf({ predicate: 'person.phone', value: '"1"', recorded_ms: 10 });
  const right = rowOf({ predicate: 'person.phone', value: '"2"', recorded_ms: 50, supersedes: wrong.n });
  assert.deepEqual([valuesAt([wrong, right], 20, 49), valuesAt([wrong, right], 20, 50)], [['1'], ['2']]);
});

test('of one truth the most trusted label is shown, then the newest, and what says something else is named', () => {
  const facts = [rowOf({ predicate: 'person.phone', value: '"1"', label: 'operator' }), rowOf({ predicate: 'person.phone', value: '"2"', label: 'system' }), rowOf({ predicate: 'person.phone', value: '"1"' })];
  const { value, label, contradicted } = viewAt(facts).properties['person.phone']!;
  assert.deepEqual([value, label, contradicted], ['1', 'operator', [partId('f', facts[1]!.n)]]);
  const equal = viewAt([facts[0]!, facts[2]!]).properties['person.phone']!;
  assert.ok(!('contradicted' in equal));
});

test('of what changes, that which is true since last is shown, without contradiction', () => {
  const facts = [rowOf({ predicate: 'person.name', value: '"new"', valid_from_ms: 30, label: 'untrusted' }), rowOf({ predicate: 'person.name', value: '"old"', valid_from_ms: 20, label: 'operator' })];
  assert.deepEqual([valuesAt(facts), 'contradicted' in viewAt(facts).properties['person.name']!], [['new'], false]);
});

test('events are counted, and the newest are listed', () => {
  const facts = Array.from({ length: eventsShown + 5 }, (_, i) => rowOf({ predicate: 'mail.received', value: String(i), valid_from_ms: 10 + i }));
  const { count, newest } = viewAt(facts).events['mail.received']!;
  assert.deepEqual([count, newest.length, newest[0]!.value, newest.at(-1)!.value], [25, eventsShown, 24, 5]);
});

test('a value of an older version is shown in today\'s shape, one of a newer version is refused', () => {
  assert.deepEqual(viewAt([rowOf({ predicate: 'invoice', value: '{"payee":"ACME"}' })]).events['invoice']!.newest[0]!.value, { line: null, payee: 'ACME' });
  assert.throws(() => viewAt([rowOf({ predicate: 'invoice', version: 99 })]), withCode('BAD_MESSAGE'));
});

test('a fact about the wrong entity is corrected by one about another', async () => {
  const { db, committer } = await tempStore();
  const phone = (entity: string, rest: Partial<Fact> = {}): Fact => ({ entity, predicate: 'person.phone', value: '1', label: 'operator', confidence: 1, ...rest });
  await committer.commit(commitOf('c1', { atMs: 10, facts: [phone('person/anna')] }));
  await committer.commit(commitOf('c2', { atMs: 20, actor: 'operator/me', facts: [phone('person/ben', { supersedes: 'f-1-0' })] }));
  const known = async (knownAtMs: number) => Object.keys(((await runQuery(db, 'entityView', { id: 'person/anna', validAtMs: 30, knownAtMs })) as EntityView).properties);
  assert.deepEqual([await known(19), await known(20)], [['person.phone'], []]);
});

test('nobody ever heard of it: no view; nothing known yet: an empty one', async () => {
  const { db, committer } = await tempStore();
  await committer.commit(commitOf('c1', { facts: [{ entity: 'person/anna', predicate: 'city', value: 'Köln', label: 'operator', confidence: 1 }] }));
  assert.equal(await runQuery(db, 'entityView', { id: 'person/nobody', validAtMs: 1, knownAtMs: 1 }), null);
  assert.deepEqual(await runQuery(db, 'entityView', { id: 'person/anna', validAtMs: 1, knownAtMs: 1 }), { id: 'person/anna', kind: 'person', asOf: iso(1), knownAt: iso(1), properties: {}, events: {} });
});

/** A fact on a page of the notebook. */
interface Noted { n: number; entity: string; predicate: string; value: unknown; label: Label; from: number; to: number; at: number }
type Page = { at: number; standing: Noted[]; views: Map<string, unknown> };

const names = ['mail.received', 'invoice', 'person.name', 'asset.expires-on', 'person.phone', 'nickname'];
const offset = fc.integer({ min: -20, max: 60 });
const factPlan = fc.record({ who: fc.nat(2), predicate: fc.constantFrom(...names), value: fc.constantFrom('x', 'y', 'z'), label: fc.constantFrom(...labelSchema.options), from: fc.option(offset), to: fc.option(offset), corrects: fc.option(fc.nat(), { freq: 2 }) });
const plan = fc.array(fc.record({ afterMs: fc.nat(4), facts: fc.array(factPlan, { minLength: 1, maxLength: 4 }) }), { minLength: 1, maxLength: 10 });
const moments = fc.array(fc.tuple(offset, offset), { minLength: 5, maxLength: 5 });

const trust: Label[] = ['operator', 'policy', 'system', 'verified-connector', 'untrusted'];
const trusted = (a: Noted, b: Noted) => (a.label === b.label ? a.n > b.n : trust.indexOf(a.label) < trust.indexOf(b.label));

/** What the notebook says; written by hand, one rule after the other. */
function lookUp(page: Page | undefined, id: string, validAtMs: number, knownAtMs: number): EntityView {
  const view: EntityView = { id, kind: 'person', asOf: iso(validAtMs), knownAt: iso(knownAtMs), properties: {}, events: {} };
  for (const predicate of names) {
    const holds = predicateOf(predicate)?.holds ?? 'one';
    const there: Noted[] = [];
    for (const fact of page?.standing ?? []) if (fact.entity === id && fact.predicate === predicate && validAtMs >= fact.from && validAtMs < fact.to) there.push(fact);
    if (there.length === 0) continue;
    const show = (f: Noted) => ({ value: f.value as string, label: f.label, confidence: 0.5, source: null, since: iso(f.from), factId: partId('f', f.n), recordedAt: iso(f.at) });
    const later = (a: Noted, b: Noted) => (a.from === b.from ? a.n > b.n : a.from > b.from);
    if (holds === 'events') {
      const sorted: Noted[] = [];
      for (const fact of there) sorted.splice(sorted.findIndex((other) => later(fact, other)) >>> 0, 0, fact);
      view.events[predicate] = { count: there.length, newest: sorted.slice(0, 20).map(show) };
      continue;
    }
    let best = there[0]!;
    for (const fact of there) if (holds === 'latest' ? later(fact, best) : trusted(fact, best)) best = fact;
    const rivals = there.filter(({ value }) => value !== best.value).toSorted((a, b) => (trusted(a, b) ? -1 : 1));
    view.properties[predicate] = { ...show(best), ...(holds === 'one' && rivals.length > 0 ? { contradicted: rivals.map(({ n }) => partId('f', n)) } : {}) };
  }
  return view;
}

test('the view at any time, as known at any other, is what was noted then', { timeout: 300_000 }, async (t) => {
  t.diagnostic(`KEELSON_TEST_SEED=${seed}`);
  const { file, committer } = await tempStore();
  const db = await openTemp(file, { readOnly: true });
  const view = async (id: string, validAtMs: number, knownAtMs: number) => (await runQuery(db, 'entityView', { id, validAtMs, knownAtMs })) as EntityView | null;
  let run = 0;
  await fc.assert(fc.asyncProperty(plan, moments, async (commits, pairs) => {
    run++;
    const people = [0, 1, 2].map((who) => `person/${run}-${who}`);
    const pages: Page[] = [];
    const ids: number[] = [];
    let at = startMs;
    let standing: Noted[] = [];
    for (const [i, { afterMs, facts: plans }] of commits.entries()) {
      at += afterMs;
      const [nowMs, earlier] = [at, [...ids]];
      const facts = plans.map(({ who, predicate, value, label, from, to, corrects }): Fact => ({
        entity: people[who]!, predicate, value, label, confidence: 0.5, ...(from === null ? {} : { validFromMs: startMs + from }), ...(to === null ? {} : { validToMs: startMs + to }),
        ...(corrects === null || earlier.length === 0 ? {} : { supersedes: partId('f', earlier[corrects % earlier.length]!) }),
      }));
      const written = await committer.commit(commitOf(`${run}-${i}`, { atMs: at, actor: 'operator/me', facts }));
      assert.ok(written.outcome === 'written');
      facts.forEach((fact, place) => {
        const n = partNumber(written.seq, place);
        ids.push(n);
        standing = standing.filter((noted) => partId('f', noted.n) !== fact.supersedes);
        standing.push({ n, entity: fact.entity, predicate: fact.predicate, value: fact.value, label: fact.label, from: fact.validFromMs ?? nowMs, to: fact.validToMs ?? Infinity, at: nowMs });
      });
      if (pages.at(-1)?.at === at) pages.pop();
      pages.push({ at, standing: [...standing], views: new Map(await Promise.all(people.map(async (id) => [id, await view(id, nowMs, nowMs)] as const))) });
    }
    for (const id of people) {
      if (!standingEver(pages, id)) continue;
      // An entity that was first heard of later had no view then, and has an empty one now.
      for (const { at: then, views } of pages) assert.deepEqual(await view(id, then, then), views.get(id) ?? lookUp(undefined, id, then, then), `as of ${then}`);
      for (const [validAtMs, knownAtMs] of pairs.map(([a, b]) => [startMs + a, startMs + b] as const)) {
        assert.deepEqual(await view(id, validAtMs, knownAtMs), lookUp(pages.findLast((page) => page.at <= knownAtMs), id, validAtMs, knownAtMs), `at ${validAtMs}, known at ${knownAtMs}`);
      }
    }
  }), { seed, numRuns: 250 });
});

const standingEver = (pages: Page[], id: string) => pages.some(({ views }) => views.get(id) !== null);

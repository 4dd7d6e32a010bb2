// Does it stay fast when the company grows old? Two stores with the real schema, a small one and a big one, of the same shape: 25
// transitions to an actor, 20 facts to an entity, 50 facts to a document. Then the same commits and reads in turn on both: read the
// ratio big to small. `--transitions`, `--facts` and `--samples` set the sizes. The bulk is written without a valid hash chain.
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { emptyCommit, type Commit } from '#machines/commit.ts';
import { partNumber, type Label } from '#machines/records.ts';
import { createCommitter } from '#store/commit.ts';
import { openDatabase, type Database, type Value } from '#store/database.ts';
import { nextEpoch } from '#store/lock.ts';
import { migrate } from '#store/migrate.ts';
import { runQuery, type Args, type QueryName } from '#store/queries.ts';
import { insertRows, type Insert } from '#store/rows.ts';
import { createRules } from '#store/rules.ts';
import { randomFrom, type Random } from '#test/kit/random.ts';

export interface Growth { id: string; value: number; unit: string; baseline: number; ratio: number; p50Ms: number; p99Ms: number }
export interface Size { transitions: number; facts: number }

const smallest: Size = { transitions: 10_000, facts: 10_000 };
const startMs = 1_700_000_000_000;
const stepMs = 6_000;
const chunk = 200_000;
const vocabulary = 200_000;
const labels: readonly Label[] = ['untrusted', 'untrusted', 'untrusted', 'untrusted', 'untrusted', 'untrusted', 'untrusted', 'system', 'verified-connector', 'operator'];

export function readSize(argv: string[]): Size & { samples: number } {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({ args: argv, strict: false, options: { transitions: text, facts: text, samples: text } });
  return { transitions: Number(values.transitions ?? 5_000_000), facts: Number(values.facts ?? 1_000_000), samples: Number(values.samples ?? 300) };
}

/** Word number `k`; the low numbers are the frequent ones. */
const wordOf = (k: number) => `w${k.toString(36)}`;
const entitiesOf = ({ facts }: Size) => Math.ceil(facts / 20);
const actorsOf = ({ transitions }: Size) => Math.ceil(transitions / 25);
const seqOfFact = (i: number, { transitions, facts }: Size) => 1 + Math.floor((i * transitions) / facts);
/** In no order, as ids are. */
const scattered = (i: number) => ((i * 2_654_435_761) % 2 ** 32).toString(16).padStart(8, '0');
const actorOf = (a: number) => `mail/m-${scattered(a)}`;
/** Six in ten are people, two organisations, two assets. */
const entityOf = (e: number) => (e % 10 < 6 ? `person/p${e}@example.org` : e % 10 < 8 ? `organisation/o${e}` : `asset/a${e}`);
const referenceOf = (i: number) => `ref${i.toString(36)}x`;

/** Words as often as in real text: the n-th has about 1/n of the times of the first. */
const words = (random: Random, count: number) => Array.from({ length: count }, () => wordOf(Math.floor(vocabulary ** random.next()) - 1)).join(' ');

function factOf(i: number, size: Size, random: Random): { entity: string; predicate: string; version: number; value: string; label: Label } {
  const e = (i * 7_919) % entitiesOf(size);
  const entity = entityOf(e);
  const label = random.pick(labels);
  const note = `${i % 10 === 0 ? `${referenceOf(i)} ` : ''}${words(random, 12)}`;
  const said = (predicate: string, value: unknown, version = 1) => ({ entity, predicate, version, value: JSON.stringify(value), label });
  if (entity.startsWith('asset/')) return said('asset.note', note);
  if (entity.startsWith('organisation/')) {
    return said('invoice', { payee: null, amountMinor: random.int(1_000_000), currency: 'EUR', dueDate: null, documentDate: null, reference: note, confidence: 0.9, reasons: ['amount and date'], line: 3 }, 2);
  }
  const which = random.int(20);
  if (which === 0) return said('person.email', entity.slice('person/'.length));
  return which < 4 ? said('person.name', words(random, 2)) : said('mail.received', { subject: note, date: null, messageId: `<${i}@example.org>` });
}

/** Writes a store of that size into an empty file. */
export async function buildStore(file: string, size: Size): Promise<void> {
  const db = await openDatabase(file);
  await migrate(db);
  await db.exec('PRAGMA synchronous = OFF; PRAGMA cache_size = -1048576');
  const inChunks = async (count: number, write: (from: number, to: number) => Promise<unknown>) => {
    for (let from = 0; from < count; from += chunk) {
      await db.exec('BEGIN IMMEDIATE');
      await write(from, Math.min(count, from + chunk));
      await db.exec('COMMIT');
    }
  };
  const actors = actorsOf(size);
  const address = `printf('mail/m-%08x', (a * 2654435761) & 0xffffffff)`;
  const numbers = 'WITH RECURSIVE number (i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM number WHERE i + 1 < ?2)';
  await inChunks(size.transitions, (from, to) => db.run(
    `${numbers} INSERT INTO journal (seq, id, actor, rev, at_ms, outcome, body, parts, hash)
     SELECT i + 1, printf('%s#%d.0', address, rev), address, rev, ${startMs} + i * ${stepMs}, 'applied',
       printf('{"message":{"kind":"event","event":{"type":"CLASSIFIED","category":"inquiry","confidence":0.9,"by":"triage"}},"from":"%s","taken":["triage","drafting"],"started":["%s.copy~%d"],"next":"%s"}', address, address, rev, lower(hex(randomblob(32)))),
       NULL, lower(hex(randomblob(32))) FROM (SELECT i, ${address} AS address, rev FROM (SELECT i, i % ${actors} AS a, i / ${actors} AS rev FROM number))`, from, to));
  await inChunks(actors, (from, to) => db.run(
    `${numbers} INSERT INTO actor (address, machine, rev, status, value, record, updated_ms)
     SELECT ${address}, 'mail@1', (${size.transitions} - 1 - a) / ${actors}, CASE WHEN a % 20 = 0 THEN 'active' ELSE 'done' END, '"done"',
       printf('{"snapshot":{"context":{"mail":"m-%d","text":"%s"}},"timers":{},"children":{}}', a, hex(randomblob(500))), ${startMs} + a FROM (SELECT i AS a FROM number)`, from, to));
  await buildRecords(db, size, inChunks);
  await db.run('UPDATE counter SET received = ?1, applied = ?1', size.transitions);
  await db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  await db.close();
}

async function buildRecords(db: Database, size: Size, inChunks: (count: number, write: (from: number, to: number) => Promise<unknown>) => Promise<void>): Promise<void> {
  const random = randomFrom(7);
  const into = { entity: { table: 'entity' }, fact: { table: 'fact' }, search: { table: 'search' }, artifact: { table: 'artifact' }, blob: { table: 'blob' }, decision: { table: 'decision' }, intent: { table: 'intent' }, intent_change: { table: 'intent_change' } } satisfies Record<string, Insert>;
  const write = async (rows: Partial<Record<keyof typeof into, Value[][]>>) => {
    for (const [table, some] of Object.entries(rows)) await insertRows(db, into[table as keyof typeof into], some);
  };
  const inPages = (count: number, make: (i: number) => Partial<Record<keyof typeof into, Value[][]>>) => inChunks(count, async (from, to) => {
    for (let i = from; i < to;) {
      const page: Partial<Record<keyof typeof into, Value[][]>> = {};
      for (const end = Math.min(to, i + 1_024); i < end; i++) for (const [table, made] of Object.entries(make(i))) (page[table as keyof typeof into] ??= []).push(...made);
      await write(page);
    }
  });
  await inPages(entitiesOf(size), (e) => ({ entity: [[entityOf(e), entityOf(e).split('/')[0]!, 1]] }));
  await inPages(size.facts, (i) => {
    const seq = seqOfFact(i, size);
    const { entity, predicate, version, value, label } = factOf(i, size, random);
    const [n, actor, atMs] = [partNumber(seq, 0), actorOf((seq - 1) % actorsOf(size)), startMs + (seq - 1) * stepMs];
    const decision: Value[] = [n, actor, seq, atMs, 'triage', 'inquiry', 0.9, 'triage@1', '{"reasons":["asks for an offer"],"evidence":[],"policy":null,"model":null,"costMicros":null}'];
    const rows = { fact: [[n, entity, predicate, version, value, label, 0.9, null, null, atMs, null, actor, seq, atMs]], search: [['fact', `f-${seq}-0`, null, `${entity} ${predicate} ${value}`]], decision: i % 5 === 0 ? [decision] : [] };
    if (i % 50 !== 0) return rows;
    // A document, and what was asked about it.
    const [id, text, hash, state] = [`m-${scattered(i)}`, words(random, 300), scattered(i).repeat(8), i % 10_000 === 0 ? 'input-required' : 'completed'];
    const data = JSON.stringify({ category: 'inquiry', confidence: 0.9, reasons: ['asks for an offer'], payload: { text: text.slice(0, 400) } });
    return {
      ...rows, search: [...rows.search, ['mail', id, 1, text]],
      artifact: [[id, 1, 'mail', 'text/plain', `mail ${i}`, hash, text.length, actor, seq, atMs]], blob: [[hash, Buffer.from(text)]],
      intent: [[`i-${id}`, 'approval', state, actor, 'Send it?', data, seq, atMs, atMs]], intent_change: [[n, `i-${id}`, 'approval', state, 'Send it?', data, actor, seq, atMs]],
    };
  });
}

interface Grown { size: Size; commit(commit: Commit): Promise<void>; query(name: QueryName, args: Args): Promise<unknown>; close(): Promise<void> }

async function openGrown(file: string, size: Size): Promise<Grown> {
  const writer = await openDatabase(file);
  const reader = await openDatabase(file, { readOnly: true });
  const committer = await createCommitter(writer, await nextEpoch(writer), { onWritten() {}, check: createRules({}) });
  return {
    size,
    async commit(commit) {
      const answer = await committer.commit(commit);
      if (answer.outcome !== 'written') throw new Error(`${commit.id}: ${JSON.stringify(answer)}`);
    },
    query: (name, args) => runQuery(reader, name, args),
    async close() {
      await reader.close();
      await writer.close();
    },
  };
}

/** Number `i` of one kind of work. Keys vary with `random`, which is the same for both stores. */
type Work = (store: Grown, random: Random, i: number) => Promise<unknown>;

const stepOf: Work = ({ size, commit }, _, i) => {
  const a = (i * 104_729) % actorsOf(size);
  const rev = Math.floor((size.transitions - 1 - a) / actorsOf(size)) + 1;
  const actor = actorOf(a);
  const id = `${actor}#${rev}.0`;
  const record = JSON.stringify({ snapshot: { context: { mail: actor, text: 'x'.repeat(1_000) } }, timers: {}, children: {} });
  const sends = [{ id: `${actor}#${rev}.1`, to: actor, from: actor, body: { kind: 'event' as const, event: { type: 'PING' } } }];
  return commit({ ...emptyCommit(id, startMs, actor, { message: { kind: 'event', event: { type: 'PING' } }, padding: 'x'.repeat(230) }), step: { rev, machine: 'mail@1', status: 'active', value: '"open"', parent: null, record }, sends });
};

const factCommit: Work = ({ size, commit }, random, i) => {
  const e = random.int(entitiesOf(size));
  const person = e - (e % 10);
  const entity = entityOf(person);
  return commit({ ...emptyCommit(`growth:${i}`, startMs, 'operator/growth', { padding: 'x'.repeat(280) }), facts: [{ entity, predicate: 'person.email', value: entity.slice('person/'.length), label: 'operator', confidence: 1 }] });
};

const listed = ['person.name', 'mail.received', 'invoice', 'asset.note'] as const;
const momentOf = ({ transitions }: Size, random: Random) => startMs + Math.floor(transitions * random.next()) * stepMs;
/** Somewhere in the middle of a list. */
const placeIn = (size: Size, random: Random) => `f-${seqOfFact(random.int(size.facts), size)}-0`;
const search = ({ query }: Grown, text: string) => query('search', { text });

export const works: Record<string, Work> = {
  'commit.step': stepOf,
  'commit.fact': factCommit,
  entity: ({ size, query }, random) => query('entityView', { id: entityOf(random.int(entitiesOf(size))), validAtMs: 4e12, knownAtMs: 4e12 }),
  'list.predicate': ({ size, query }, random) => query('facts', { predicate: random.pick(listed), cursor: placeIn(size, random) }),
  'list.label': ({ size, query }, random) => query('facts', { label: random.pick(labels), cursor: placeIn(size, random) }),
  'list.both': ({ size, query }, random) => query('facts', { label: random.pick(labels), predicate: random.pick(listed), cursor: placeIn(size, random) }),
  'list.time': ({ size, query }, random) => {
    const since = momentOf(size, random);
    return query('facts', { since, until: since + 1_000 * stepMs });
  },
  'list.kind': ({ size, query }, random) => query('facts', { entityKind: random.pick(['person', 'organisation', 'asset']), cursor: placeIn(size, random) }),
  'list.actor': ({ size, query }, random) => query('facts', { actor: actorOf(random.int(actorsOf(size))) }),
  'list.intents': ({ query }) => query('intents', { state: 'input-required' }),
  'list.artifacts': ({ size, query }, random) => query('artifacts', { artifactKind: 'mail', until: momentOf(size, random) }),
  'list.decisions': ({ size, query }, random) => query('decisions', { until: momentOf(size, random) }),
  history: ({ size, query }, random) => query('history', { address: actorOf(random.int(actorsOf(size))) }),
  changes: ({ size, query }, random) => query('changes', { after: random.int(size.transitions), limit: 100 }),
  'search.rare': (store, random) => search(store, referenceOf(random.int(store.size.facts / 10) * 10)),
  'search.common': (store, random) => search(store, wordOf(random.int(20))),
  'search.two': (store, random) => search(store, `${wordOf(random.int(20))} ${wordOf(1_000 + random.int(20_000))}`),
  'search.common-two': (store, random) => search(store, `${wordOf(random.int(20))} ${wordOf(20 + random.int(200))}`),
  // As an agent asks about a mail: all its words, in some kinds.
  'search.mail': ({ query }, random) => query('search', { text: words(random, 60), kinds: ['template', 'mail', 'sent', 'fact', 'correction'] }),
};

export const percentile = (times: number[], p: number) => times.toSorted((a, b) => a - b)[Math.min(times.length - 1, Math.floor((times.length * p) / 100))] ?? 0;
const round = (x: number) => Math.round(x * 1_000) / 1_000;

/** The same work in turn on both, so that a slow moment of the machine meets both. */
export async function compare(files: { small: string; big: string }, sizes: { small: Size; big: Size }, samples: number, only = Object.keys(works)): Promise<Growth[]> {
  const stores = [await openGrown(files.small, sizes.small), await openGrown(files.big, sizes.big)];
  const results: Growth[] = [];
  for (const name of only) {
    const randoms = stores.map(() => randomFrom(11));
    const times: [number[], number[]] = [[], []];
    const warmUp = Math.ceil(samples / 5);
    for (let i = 0; i < samples + warmUp; i++) {
      for (const [s, store] of stores.entries()) {
        const from = performance.now();
        await works[name]!(store, randoms[s]!, i);
        if (i >= warmUp) times[s]!.push(performance.now() - from);
      }
    }
    const [small, big] = times.map((all) => percentile(all, 50)) as [number, number];
    results.push({ id: `growth.${name}`, value: round(big), unit: 'ms', baseline: round(small), ratio: round(big / small), p50Ms: round(big), p99Ms: round(percentile(times[1], 99)) });
  }
  for (const store of stores) await store.close();
  return results;
}

export async function measureGrowth({ samples, ...big }: Size & { samples: number }, say: (line: string) => void): Promise<Growth[]> {
  const dir = mkdtempSync(join(tmpdir(), 'keelson-growth-'));
  try {
    const files = { small: join(dir, 'small.db'), big: join(dir, 'big.db') };
    const sizes = { small: smallest, big };
    for (const which of ['small', 'big'] as const) {
      const from = performance.now();
      await buildStore(files[which], sizes[which]);
      say(`${which}: ${sizes[which].transitions} transitions, ${sizes[which].facts} facts, ${Math.round(statSync(files[which]).size / 2 ** 20)} MB, built in ${Math.round((performance.now() - from) / 1_000)} s`);
    }
    return await compare(files, sizes, samples);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

// Is what is known found, and at once? A store with 100,000 items (facts, mails, corrections of realistic words) with their vectors, made
// by the functions that the server uses. `--items` and `--samples` set the sizes. Speed: `recall` beside plain full text (`search`), on the
// same store, with the subject and text of a mail and with short questions. Quality: the notes and questions of recall-cases.ts among all
// of it: how often the note that answers is first, among the first 5, among the first 12. Also commits while vectors are made and asked for.
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { hashedModel, hashText } from '#machines/hashed-vector.ts';
import { emptyCommit } from '#machines/commit.ts';
import { createCommitter, createPrivateCommitter } from '#store/commit.ts';
import { openDatabase, type Database, type Value } from '#store/database.ts';
import { nextEpoch } from '#store/lock.ts';
import { migrate } from '#store/migrate.ts';
import { measure as measureNearness, nearestByBits } from '#store/nearest.ts';
import { runQuery } from '#store/queries.ts';
import { insertRows } from '#store/rows.ts';
import { findDue, remember } from '#store/vectors.ts';
import { heldOut } from '#test/kit/held-out.ts';
import { generateMails } from '#test/kit/mails.ts';
import { randomFrom, type Random } from '#test/kit/random.ts';
import type { Result } from './measure.ts';
import { notes, questions } from './recall-cases.ts';

const atMs = 1_790_000_000_000;

/** Every fiftieth word of no language: names and numbers, as in real mail. */
function wordsOf(random: Random): string[] {
  const texts = [...generateMails(400, 11).map(({ raw }) => Buffer.from(raw).toString().split(/\r?\n\r?\n/).slice(1).join(' ')), ...heldOut.map(({ mail }) => `${mail.subject} ${mail.text}`)];
  const real = texts.join(' ').match(/[\p{L}\p{N}]{2,24}/gu)!;
  return [...real, ...Array.from({ length: Math.floor(real.length / 50) }, () => `${random.pick(real)}${random.int(10_000)}`)];
}

/** Words in the order of real mails, a few at a time, so that common words are common and pairs are real. */
function sentence(random: Random, words: string[], count: number): string {
  const out: string[] = [];
  while (out.length < count) {
    const at = random.int(words.length - 6);
    out.push(...words.slice(at, at + 3 + random.int(3)));
  }
  return out.slice(0, count).join(' ');
}

export async function build(file: string, items: number): Promise<void> {
  const db = await openDatabase(file);
  await migrate(db);
  await db.exec('PRAGMA synchronous = OFF');
  const random = randomFrom(3);
  const words = wordsOf(random);
  const noteIds = Object.keys(notes);
  const every = Math.floor(items / noteIds.length);
  for (let from = 0; from < items; from += 2_000) {
    await db.exec('BEGIN');
    const rows: Record<'search' | 'fact' | 'artifact' | 'annotation', Value[][]> = { search: [], fact: [], artifact: [], annotation: [] };
    for (let i = from; i < Math.min(items, from + 2_000); i++) {
      const note = i % every === 7 ? noteIds[Math.floor(i / every)] : undefined;
      const seq = i + 1;
      if (note !== undefined) {
        rows.search.push(['document', note, 1, notes[note]!]);
        rows.artifact.push([note, 1, 'document', 'text/plain', null, note, 1, 'connector/files', seq, atMs]);
      } else if (i % 5 === 0) {
        rows.search.push(['mail', `m-${i}`, 1, sentence(random, words, 40 + random.int(120))]);
        rows.artifact.push([`m-${i}`, 1, 'mail', 'message/rfc822', null, `h${i}`, 1, 'connector/mail', seq, atMs]);
      } else if (i % 50 === 1) {
        rows.search.push(['correction', `a-${seq}-0`, null, sentence(random, words, 30)]);
        rows.annotation.push([seq * 1_024, 'correction', 'artifact', `m-${i}`, 'x', '{}', 'operator/desk', seq, atMs]);
      } else {
        const value = sentence(random, words, 6 + random.int(12));
        rows.search.push(['fact', `f-${seq}-0`, null, `person/p${i % 5_000}@example.org person.note "${value}"`]);
        rows.fact.push([seq * 1_024, `person/p${i % 5_000}@example.org`, 'person.note', 1, JSON.stringify(value), 'untrusted', 0.9, null, null, atMs, null, 'mail/m', seq, atMs]);
      }
    }
    for (const table of ['search', 'fact', 'artifact', 'annotation'] as const) await insertRows(db, { table }, rows[table]);
    await db.exec('COMMIT');
  }
  await db.close();
}

/** As the server does it, without its thread. Answers how many. */
export async function embedAll(db: Database): Promise<number> {
  const committer = await createPrivateCommitter(db);
  let n = 0;
  for (let due = await findDue(db, hashedModel, 256); due; due = await findDue(db, hashedModel, 256)) {
    const { rows, page, after, until } = due;
    await remember(db, committer, { model: hashedModel, page, after, until, items: rows.map(({ place, hash, text, known }) => ({ place, hash, vector: known ? null : Buffer.from(hashText(text).buffer).toString('base64') })) });
    n += rows.length;
  }
  return n;
}

const shares = (ranks: number[]) => [1, 5, 12].map((k) => Math.round((ranks.filter((rank) => rank >= 0 && rank < k).length / ranks.length) * 100) / 100);

async function ranksOf(find: (text: string) => Promise<string[]>): Promise<number[]> {
  const ranks: number[] = [];
  for (const [text, answer] of questions) ranks.push((await find(text)).indexOf(answer));
  return ranks;
}

async function timesOf(samples: number, run: (i: number) => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < samples; i++) {
    const from = performance.now();
    await run(i);
    times.push(performance.now() - from);
  }
  return times.toSorted((a, b) => a - b);
}

const at = (sorted: number[], share: number) => Math.round(sorted[Math.floor((sorted.length - 1) * share)]! * 100) / 100;

export async function measureRecall(say: (line: string) => void, argv: string[] = process.argv.slice(2)): Promise<Result[]> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({ args: argv, strict: false, options: { items: text, samples: text } });
  const [items, samples] = [Number(values.items ?? 100_000), Number(values.samples ?? 200)];
  const dir = mkdtempSync(join(tmpdir(), 'keelson-recall-'));
  try {
    const file = join(dir, 'keelson.db');
    await build(file, items);
    const plainBytes = statSync(file).size;
    const writer = await openDatabase(file);
    const from = performance.now();
    const embedded = await embedAll(writer);
    await writer.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    say(`recall: ${embedded} items, vectors made in ${Math.round((performance.now() - from) / 1_000)} s; ${Math.round(plainBytes / 2 ** 20)} MB, with vectors ${Math.round(statSync(file).size / 2 ** 20)} MB`);
    const reader = await openDatabase(file, { readOnly: true });
    const ids = async (name: string, question: string) => ((await runQuery(reader, name, { text: question, limit: 12, nowMs: atMs })) as { id: string }[]).map(({ id }) => id);
    const found = {
      fused: await ranksOf((question) => ids('recall', question)),
      words: await ranksOf((question) => ids('search', question)),
      vectors: await ranksOf((question) => nearestIds(reader, question)),
    };
    for (const [name, ranks] of Object.entries(found)) say(`recall: ${name}: the answer is first, among 5, among 12: ${shares(ranks).join(', ')} of ${ranks.length} questions`);
    const random = randomFrom(5);
    const words = wordsOf(random);
    const long = Array.from({ length: samples }, () => sentence(random, words, 120));
    const results: Result[] = [];
    for (const [kind, asked] of [['short', questions.map(([question]) => question)], ['mail', long]] as const) {
      const run = (name: string) => timesOf(samples, (i) => runQuery(reader, name, { text: asked[i % asked.length]!, limit: 12, nowMs: atMs }));
      await run('recall');
      const [plain, fused] = [await run('search'), await run('recall')];
      results.push({ id: `recall.${kind}`, value: at(fused, 0.5), unit: 'ms', baseline: at(plain, 0.5), ratio: Math.round((at(fused, 0.5) / at(plain, 0.5)) * 100) / 100, p50Ms: at(fused, 0.5), p99Ms: at(fused, 0.99) });
    }
    results.push(await commitsBeside(writer, reader, samples, long));
    await reader.close();
    await writer.close();
    return results;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

async function nearestIds(db: Database, question: string): Promise<string[]> {
  const vector = hashText(question);
  const nearness = await measureNearness(db, hashedModel, vector, await nearestByBits(db, hashedModel, { vector, kinds: null, limit: 200 }));
  const best = [...nearness].toSorted((a, b) => b[1] - a[1]).slice(0, 12).map(([place]) => place);
  const rows = await db.all<{ place: number; id: string }>('SELECT rowid AS place, id FROM search WHERE rowid IN (SELECT value FROM json_each(?))', JSON.stringify(best));
  return best.map((place) => rows.find((row) => row.place === place)!.id);
}

/** What a commit takes while somebody asks all the time, in the same thread as in the server; the baseline is the same commits alone. */
async function commitsBeside(writer: Database, reader: Database, samples: number, asked: string[]): Promise<Result> {
  const committer = await createCommitter(writer, await nextEpoch(writer), { onWritten() {} });
  const write = (name: string) => timesOf(samples, (i) => committer.commit(emptyCommit(`${name}:${i}`, atMs, 'operator/bench', { padding: 'x'.repeat(300) })));
  const alone = await write('alone');
  const asking = new AbortController();
  const all = (async () => { for (let i = 0; !asking.signal.aborted; i++) await runQuery(reader, 'recall', { text: asked[i % asked.length]!, limit: 12 }); })();
  const beside = await write('beside');
  asking.abort();
  await all;
  return { id: 'recall.commits', value: at(beside, 0.5), unit: 'ms per commit', baseline: at(alone, 0.5), ratio: Math.round((at(beside, 0.5) / at(alone, 0.5)) * 100) / 100, p50Ms: at(beside, 0.5), p99Ms: at(beside, 0.99) };
}

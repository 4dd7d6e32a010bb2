// Where the rows of others name a person who is erased: the name is taken out, the row stays.
import { sha256 } from '#actors/hash.ts';
import type { Database, Row, Value } from './database.ts';
import { theirs } from './erase-find.ts';
import { readText, type Needles } from './needles.ts';
import { vouched, type Table } from './tables.ts';
import { forgetPlaces } from './vectors.ts';

export interface Mention { seq: number | null; redact(): Promise<unknown> }

const mentionColumns: Partial<Record<Table, readonly string[]>> = {
  fact: ['entity', 'value', 'source'], intent: ['summary', 'data'], intent_change: ['summary', 'data'], decision: ['what', 'outcome', 'detail'],
  annotation: ['target', 'text', 'detail'], artifact: ['name'], actor: ['value', 'record'], outbox: ['body'], search: ['text'], spend: ['run', 'detail'],
};
const pageRows = 64;
/** Some tables have no rowid. */
const keyOf = (table: Table) => (['intent', 'artifact'].includes(table) ? 'id' : 'rowid');

/** Where the rows of others name this person. Each can take the name out. */
export async function findMentions(database: Database, needles: Needles): Promise<Mention[]> {
  const mentions: Mention[] = [];
  for (const [name, columns] of Object.entries(mentionColumns)) {
    const table = name as Table;
    const isRecord = (vouched as readonly string[]).includes(table);
    const keyed = keyOf(table);
    for (const column of columns) {
      const found = new Set<Value>();
      for (const rough of needles.rough) {
        const rows = await database.all<{ key: Value; seq: number | null; text: string }>(`SELECT ${keyed} AS key, ${isRecord ? 'seq' : 'NULL'} AS seq, ${column} AS text FROM ${table} WHERE instr(lower(${column}), ?) > 0 AND NOT (${theirs(table)})`, rough);
        for (const { key, seq, text } of rows) {
          if (found.has(`${key as string} ${seq}`) || !needles.isIn(text)) continue;
          found.add(`${key as string} ${seq}`);
          mentions.push({ seq, redact: () => redactColumn(database, table, keyed, column, key, needles) });
        }
      }
    }
  }
  return [...mentions, ...(await findMentioningParked(database, needles)), ...(await findMentioningBlobs(database, needles))];
}

/** The steps that led to states which name the person: a state without the name is not what its step gave, so the step's body goes too. */
export async function findStepsOfMentions(database: Database, needles: Needles): Promise<number[]> {
  const seqs: number[] = [];
  for (const rough of needles.rough) {
    const rows = await database.all<{ seq: number; record: string }>(`SELECT seq, record FROM actor JOIN journal ON journal.actor = address AND journal.rev = actor.rev WHERE instr(lower(record), ?) > 0 AND NOT (${theirs('actor')})`, rough);
    seqs.push(...rows.filter(({ record }) => needles.isIn(record)).map(({ seq }) => seq));
  }
  return seqs;
}

/** Read again: another column, or another version, may have been taken out meanwhile. */
async function redactColumn(database: Database, table: Table, key: string, column: string, value: Value, needles: Needles): Promise<void> {
  if (table === 'search') await forgetPlaces(database, [value as number]);
  for (const row of await database.all<{ text: string }>(`SELECT DISTINCT ${column} AS text FROM ${table} WHERE ${key} = ? AND ${column} IS NOT NULL`, value)) {
    await database.run(`UPDATE ${table} SET ${column} = ? WHERE ${key} = ? AND ${column} = ?`, needles.redact(row.text), value, row.text);
  }
}

/** What nobody could read names somebody perhaps: it goes as a whole. */
async function findMentioningParked(database: Database, needles: Needles): Promise<Mention[]> {
  const rows = await database.all<{ n: number; subject: string; reason: string; bytes: Buffer }>(`SELECT n, subject, reason, bytes FROM parked WHERE NOT (${theirs('parked')})`);
  return rows.filter(({ subject, reason, bytes }) => [subject, reason, readText(bytes).text].some(needles.isIn))
    .map(({ n }) => ({ seq: null, redact: () => database.run('DELETE FROM parked WHERE n = ?', n) }));
}

async function findMentioningBlobs(database: Database, needles: Needles): Promise<Mention[]> {
  const mentions: Mention[] = [];
  for await (const { hash, bytes } of pagesOf<{ hash: string; bytes: Buffer }>(database, 'blob', { key: 'hash', columns: 'bytes' })) {
    const { text, encoding } = readText(bytes);
    const lower = text.toLowerCase();
    if (!needles.rough.some((rough) => lower.includes(rough)) || !needles.isIn(text)) continue;
    const named = await database.all<{ seq: number; lost: number }>(`SELECT seq, ${theirs('artifact')} AS lost FROM artifact WHERE hash = ?`, hash);
    const seqs = named.filter(({ lost }) => lost === 0).map(({ seq }) => seq);
    const redacted = Buffer.from(needles.redact(text), encoding);
    seqs.forEach((seq, i) => mentions.push({ seq, redact: async () => (i === 0 ? replaceBlob(database, hash, redacted) : undefined) }));
    if (named.length === 0) mentions.push({ seq: null, redact: () => database.run('DELETE FROM blob WHERE hash = ?', hash) });
  }
  return mentions;
}

/** Content is named by its hash: without the mention it is another content. */
async function replaceBlob(database: Database, from: string, bytes: Buffer): Promise<void> {
  const to = sha256(bytes);
  await database.run('INSERT OR IGNORE INTO blob (hash, bytes) VALUES (?, ?)', to, bytes);
  await database.run('UPDATE artifact SET hash = ?, size_bytes = ? WHERE hash = ?', to, bytes.length, from);
  await database.run('DELETE FROM blob WHERE hash = ?', from);
}

/** The journal's rows whose bodies name this person. */
export async function findMentioningBodies(database: Database, needles: Needles): Promise<number[]> {
  const seqs = new Set<number>();
  for (const rough of needles.rough) {
    for await (const { seq, body } of pagesOf<{ seq: number; body: string }>(database, 'journal', { key: 'seq', columns: 'body', where: `instr(lower(body), '${rough}') > 0` })) {
      if (needles.isIn(body)) seqs.add(seq);
    }
  }
  return [...seqs];
}

/** Every mail address that stands anywhere in this database, in lower case. */
export async function findAddresses(database: Database): Promise<Set<string>> {
  const found = new Set<string>();
  const look = (text: string) => {
    const decoded = text.replaceAll(/\\+(?:[nrtbf]|u00[23][0-9a-f])/gi, ' ').replaceAll(/[%=](?:25)*([2-7][0-9a-f])/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
    for (const [address] of `${text} ${decoded}`.matchAll(/[\p{L}\p{N}._%+'-]+@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+/gu)) {
      for (const one of [address, address.replace(/^[._%+'-]+/, ''), address.replace(/^.*'/, '')]) found.add(one.toLowerCase());
    }
  };
  for (const [name, columns] of Object.entries({ ...mentionColumns, journal: ['body'] })) {
    const key = name === 'artifact' ? "id || ' ' || version" : keyOf(name as Table);
    for (const column of columns) for await (const { text } of pagesOf<{ text: string }>(database, name, { key, columns: `${column} AS text`, where: `instr(${column}, '@') + instr(${column}, '%40') > 0` })) look(text);
  }
  for await (const { bytes } of pagesOf<{ bytes: Buffer }>(database, 'blob', { key: 'hash', columns: 'bytes' })) look(readText(bytes).text);
  return found;
}

/** Rows in the order of their key, a few at a time. */
async function* pagesOf<R>(database: Database, table: string, { key, columns, where = 'true' }: { key: string; columns: string; where?: string }): AsyncGenerator<R & Row> {
  for (let last: Row | undefined; ;) {
    const page: (R & Row)[] = await database.all(`SELECT ${key} AS page_key, ${key}, ${columns} FROM ${table} WHERE ${where} ${last ? `AND ${key} > ?` : ''} ORDER BY ${key} LIMIT ?`, ...(last ? [last['page_key']!] : []), pageRows);
    yield* page;
    if (page.length < pageRows) return;
    last = page.at(-1);
  }
}

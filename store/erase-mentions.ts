// Where the rows of others name a person who is erased: the name is taken out, the row stays.
import { createHash } from 'node:crypto';
import type { Database, Value } from './database.ts';
import { theirs } from './erase-find.ts';
import type { Needles } from './needles.ts';
import { vouched, type Table } from './tables.ts';

export interface Mention { seq: number | null; redact(): Promise<unknown> }

const mentionColumns: Partial<Record<Table, readonly string[]>> = {
  fact: ['entity', 'value', 'source'], intent: ['summary', 'data'], intent_change: ['summary', 'data'], decision: ['what', 'outcome', 'detail'],
  annotation: ['target', 'text', 'detail'], artifact: ['name'], actor: ['value', 'record'], outbox: ['body'], search: ['text'],
};

/** Where the rows of others name this person. Each can take the name out. */
export async function findMentions(database: Database, needles: Needles, entity: string): Promise<Mention[]> {
  const mentions: Mention[] = [];
  for (const [name, columns] of Object.entries(mentionColumns)) {
    const table = name as Table;
    const isRecord = (vouched as readonly string[]).includes(table);
    const rest = table === 'search' ? 'id NOT IN (SELECT id FROM lost_artifact)' : table === 'actor' ? 'address NOT IN (SELECT address FROM lost_actor)' : `NOT (${theirs(table, entity)})`;
    const keyed = ['intent', 'artifact'].includes(table) ? 'id' : 'rowid';
    for (const column of columns) {
      for (const rough of needles.rough) {
        const rows = await database.all<{ key: Value; seq: number | null; text: string }>(`SELECT ${keyed} AS key, ${isRecord ? 'seq' : 'NULL'} AS seq, ${column} AS text FROM ${table} WHERE instr(lower(${column}), ?) > 0 AND (${rest})`, rough);
        for (const row of rows) if (needles.isIn(row.text)) mentions.push({ seq: row.seq, redact: () => redactColumn(database, table, keyed, column, row.key, needles) });
      }
    }
  }
  return [...mentions, ...(await findMentioningBlobs(database, needles))];
}

/** Read again: another column, or another spelling, may have been taken out meanwhile. */
async function redactColumn(database: Database, table: Table, key: string, column: string, value: Value, needles: Needles): Promise<void> {
  for (const row of await database.all<{ text: string }>(`SELECT DISTINCT ${column} AS text FROM ${table} WHERE ${key} = ? AND ${column} IS NOT NULL`, value)) {
    await database.run(`UPDATE ${table} SET ${column} = ? WHERE ${key} = ? AND ${column} = ?`, needles.redact(row.text), value, row.text);
  }
}

const blobPage = 64;

async function findMentioningBlobs(database: Database, needles: Needles): Promise<Mention[]> {
  const mentions: Mention[] = [];
  for (let after = '';;) {
    const page = await database.all<{ hash: string; bytes: Buffer }>('SELECT hash, bytes FROM blob WHERE hash > ? ORDER BY hash LIMIT ?', after, blobPage);
    for (const { hash, bytes } of page) {
      const text = bytes.toString('latin1');
      if (!needles.rough.some((rough) => text.toLowerCase().includes(rough)) || !needles.isIn(text)) continue;
      const seqs = await database.all<{ seq: number }>('SELECT seq FROM artifact WHERE hash = ? AND id NOT IN (SELECT id FROM lost_artifact)', hash);
      const redacted = Buffer.from(needles.redact(text), 'latin1');
      seqs.forEach(({ seq }, i) => mentions.push({ seq, redact: async () => (i === 0 ? replaceBlob(database, hash, redacted) : undefined) }));
    }
    if (page.length < blobPage) return mentions;
    after = page.at(-1)!.hash;
  }
}

/** Content is named by its hash: without the mention it is another content. */
async function replaceBlob(database: Database, from: string, bytes: Buffer): Promise<void> {
  const to = createHash('sha256').update(bytes).digest('hex');
  await database.run('INSERT OR IGNORE INTO blob (hash, bytes) VALUES (?, ?)', to, bytes);
  await database.run('UPDATE artifact SET hash = ?, size_bytes = ? WHERE hash = ?', to, bytes.length, from);
  await database.run('DELETE FROM blob WHERE hash = ?', from);
}

// What a person means by a moment: a date, or anything that was recorded, for the moment of its recording.
import { z } from 'zod';
import { KeelsonError } from '#machines/errors.ts';
import { readPartId } from '#machines/records.ts';
import type { Database } from './database.ts';

const dateSchema = z.union([z.iso.date(), z.iso.datetime({ offset: true, local: true }), z.iso.datetime({ offset: true, local: true, precision: -1 })]);

/**
 * Milliseconds of an ISO date (its first moment) or date-time, UTC when it names no zone, or of the id of a fact, decision,
 * annotation, artifact (its newest version), intent (its last change), operation (when it was sent, else its last change), actor
 * or message. An operation that is called like its mail is meant by `operation/ID`. Throws BAD_ARGUMENT when it is none of these.
 */
export async function readMoment(db: Database, words: string): Promise<number> {
  if (dateSchema.safeParse(words).success) return Date.parse(/T.*(?:Z|[+-]\d\d:\d\d)$|^[^T]*$/.test(words) ? words : `${words}Z`);
  const recorded = await momentOfId(db, words);
  if (recorded === null) throw new KeelsonError('BAD_ARGUMENT', `'${words}' is no moment`, { hint: 'Give a date (2026-03-31), a date and time (2026-03-31T12:00:00Z) or the id of something that was recorded.' });
  return recorded;
}

async function momentOfId(db: Database, id: string): Promise<number | null> {
  const parts = [['f', 'SELECT recorded_ms AS ms FROM fact WHERE n = ?'], ['d', 'SELECT at_ms AS ms FROM decision WHERE n = ?'], ['a', 'SELECT at_ms AS ms FROM annotation WHERE n = ?']] as const;
  const ms = async (sql: string, key: string | number) => (await db.all<{ ms: number | null }>(sql, key))[0]?.ms ?? null;
  for (const [prefix, sql] of parts) {
    const n = readPartId(prefix, id);
    const found = n === null ? null : await ms(sql, n);
    if (found !== null) return found;
  }
  const document = (await ms('SELECT max(at_ms) AS ms FROM artifact WHERE id = ?', id)) ?? (await ms('SELECT updated_ms AS ms FROM intent WHERE id = ?', id));
  if (document !== null) return document;
  const operation = await findOperation(db, id);
  const sent = operation === null ? null : await ms("SELECT max(at_ms) AS ms FROM artifact WHERE id = 'sent-' || (SELECT record ->> '$.snapshot.context.id' FROM actor WHERE address = ?)", operation);
  return sent ?? (await ms('SELECT updated_ms AS ms FROM actor WHERE address = ?', operation ?? id)) ?? ms('SELECT at_ms AS ms FROM journal WHERE id = ?', id);
}

/** The address of an operation by its address or by the id that providers and the operator see; null when there is none. */
export async function findOperation(db: Database, id: string): Promise<string | null> {
  const [row] = await db.all<{ address: string }>(
    `SELECT address FROM actor WHERE address = ?1 AND address >= 'operation/' AND address < 'operation0'
     UNION ALL SELECT address FROM actor WHERE address >= 'operation/' AND address < 'operation0' AND record ->> '$.snapshot.context.id' = ?2 LIMIT 1`, id, id.replace(/^operation\//, ''));
  return row?.address ?? null;
}

// What the chain vouches for only by name: the bytes of documents, the state of actors and of intents, and what is taken of each budget. A
// change there breaks no link, but it is not what was committed.
import { sha256 } from '#actors/hash.ts';
import type { Database } from './database.ts';
import { changedBalance } from './verify-balances.ts';

interface Changed { seq: number; reason: string }

const page = 500;

/** The first commit, by number, whose document, actor or intent is not what it was; null when all are. Call it inside one read transaction. */
export async function findChangedContent(database: Database): Promise<Changed | null> {
  const found = [await changedBlob(database), await changedActor(database), await changedIntent(database), await changedBalance(database)].filter((changed) => changed !== null);
  return found.toSorted((a, b) => a.seq - b.seq)[0] ?? null;
}

async function changedBlob(database: Database): Promise<Changed | null> {
  let first: Changed | null = null;
  for (let after = '';;) {
    const blobs = await database.all<{ hash: string; bytes: Uint8Array }>('SELECT hash, bytes FROM blob WHERE hash > ? ORDER BY hash LIMIT ?', after, page);
    for (const { hash, bytes } of blobs) {
      if (sha256(bytes) === hash) continue;
      const [named] = await database.all<{ id: string; seq: number }>('SELECT id, seq FROM artifact WHERE hash = ? ORDER BY seq LIMIT 1', hash);
      if (named && (first === null || named.seq < first.seq)) first = { seq: named.seq, reason: `the content of ${named.id} was changed` };
    }
    if (blobs.length < page) return first;
    after = blobs.at(-1)!.hash;
  }
}

/** The step that led to an actor's state holds the state's hash, as long as its body is kept. */
async function changedActor(database: Database): Promise<Changed | null> {
  let first: Changed | null = null;
  for (let after = '';;) {
    const actors = await database.all<{ address: string; record: string; seq: number; state: string | null }>(
      `SELECT address, record, seq, body ->> '$.state' AS state FROM actor JOIN journal ON journal.actor = address AND journal.rev = actor.rev
       WHERE address > ? AND body IS NOT NULL ORDER BY address LIMIT ?`, after, page);
    for (const { address, record, seq, state } of actors) if (state !== null && sha256(record) !== state && (first === null || seq < first.seq)) first = { seq, reason: `the state of ${address} was changed` };
    if (actors.length < page) return first;
    after = actors.at(-1)!.address;
  }
}

async function changedIntent(database: Database): Promise<Changed | null> {
  const last = (column: string, empty: string) => `coalesce((SELECT ${column} FROM intent_change AS c WHERE c.id = intent.id AND c.${column} <> '${empty}' ORDER BY n DESC LIMIT 1), '${empty}')`;
  const [changed] = await database.all<{ id: string; seq: number }>(
    `SELECT id, seq FROM intent WHERE state <> ${last('state', '')} OR summary <> ${last('summary', '')} OR data <> ${last('data', '{}')} ORDER BY seq LIMIT 1`);
  return changed ? { seq: changed.seq, reason: `the intent ${changed.id} was changed` } : null;
}

// Documents with versions. A version is counted up only when the content differs from the newest one; what did not change is
// neither stored nor indexed again.
import type { Accepted } from './accepted.ts';
import type { Database, Value } from './database.ts';
import { insertRows } from './rows.ts';

const blob = { or: 'OR IGNORE', into: 'INTO blob (hash, bytes)', columns: 2 };
const artifact = { into: 'INTO artifact (id, version, kind, media_type, name, hash, size_bytes, actor, seq, at_ms)', columns: 10 };

export type SearchRow = [kind: string, id: string, version: number | null, text: string];

/** Writes contents and new versions; answers what the full-text index should learn. */
export async function writeArtifacts(database: Database, accepted: Accepted[]): Promise<SearchRow[]> {
  await insertRows(database, blob, accepted.flatMap(({ commit }) => commit.blobs.map(({ hash, bytes }): Value[] => [hash, toBuffer(bytes)])));
  const ids = accepted.flatMap(({ commit }) => commit.artifacts.map(({ id }) => id));
  if (ids.length === 0) return [];
  // With max() SQLite takes the other columns from that same row.
  const stored = await database.all<{ id: string; version: number; hash: string }>('SELECT id, max(version) AS version, hash FROM artifact WHERE id IN (SELECT value FROM json_each(?)) GROUP BY id', JSON.stringify(ids));
  const newest = new Map(stored.map((row) => [row.id, row]));
  const rows: Value[][] = [];
  const found: SearchRow[] = [];
  for (const { commit, seq } of accepted) {
    for (const { id, kind, mediaType, name, hash, sizeBytes, text } of commit.artifacts) {
      const before = newest.get(id);
      if (before?.hash === hash) continue;
      const version = (before?.version ?? 0) + 1;
      newest.set(id, { id, version, hash });
      rows.push([id, version, kind, mediaType, name ?? null, hash, sizeBytes, commit.actor, seq, commit.atMs]);
      if (text) found.push([kind, id, version, text]);
    }
  }
  await insertRows(database, artifact, rows);
  return found;
}

/** The driver binds Buffers, not plain byte arrays; this shares the memory. */
export function toBuffer(bytes: Uint8Array | string): Buffer {
  return typeof bytes === 'string' ? Buffer.from(bytes) : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

// A store's parts on a real file in a folder of its own, without a bus. For tests of store/.
import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'node:test';
import type { Cap } from '#machines/caps.ts';
import { emptyCommit, type Commit } from '#machines/commit.ts';
import type { Message } from '#machines/message.ts';
import { createCommitter, type Committer } from '#store/commit.ts';
import { openDatabase, type Database, type OpenOptions } from '#store/database.ts';
import { nextEpoch } from '#store/lock.ts';
import { migrate } from '#store/migrate.ts';
import { openNodeSqlite } from '#test/kit/node-sqlite.ts';
import { randomFrom } from '#test/kit/random.ts';

/** Undone in reverse after each test: a file is closed before its folder goes. */
export const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const undo of cleanups.splice(0).toReversed()) await undo();
});

export function tempDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'keelson-store-'));
  cleanups.push(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

const drivers = { sqlite3: openDatabase, 'node:sqlite': openNodeSqlite };
const driver = process.env['KEELSON_TEST_DRIVER'] ?? 'sqlite3';
if (!Object.hasOwn(drivers, driver)) throw new Error(`KEELSON_TEST_DRIVER is ${driver}; choose ${Object.keys(drivers).join(' or ')}`);

/** On the driver that KEELSON_TEST_DRIVER names, unless one is given. */
export async function openTemp(file: string, options?: OpenOptions, open = drivers[driver as keyof typeof drivers]): Promise<Database> {
  const db = await open(file, options);
  cleanups.push(() => db.close().catch(() => {})); // a test may have closed it
  return db;
}

/** Overwrites a part of a file with noise. Without positions: the middle half. */
export function damage(file: string, fromByte = statSync(file).size >> 2, toByte = (statSync(file).size * 3) >> 2): void {
  const random = randomFrom(fromByte);
  const out = openSync(file, 'r+');
  writeSync(out, Uint8Array.from({ length: toByte - fromByte }, () => random.int(256)), 0, toByte - fromByte, fromByte);
  closeSync(out);
}

export interface TempStore { dir: string; file: string; db: Database; epoch: number; committer: Committer; written: Commit[] }

export async function tempStore(dir = tempDir(), caps: readonly Cap[] | null = null): Promise<TempStore> {
  const file = join(dir, 'keelson.db');
  const db = await openTemp(file);
  await migrate(db);
  const epoch = await nextEpoch(db);
  const written: Commit[] = [];
  const committer = await createCommitter(db, epoch, { caps, onWritten: (accepted) => void written.push(...accepted.map(({ commit }) => commit)) });
  return { dir, file, db, epoch, committer, written };
}

/** A commit without a step; give what the test is about. */
export function commitOf(id: string, parts: Partial<Commit> = {}): Commit {
  return { ...emptyCommit(id, 1_790_000_000_000, 'order/1', { note: `note of ${id}` }), ...parts };
}

export const stepOf = (rev: number, record = '{"context":{}}'): NonNullable<Commit['step']> => ({ rev, machine: 'order@1', status: 'active', value: '"open"', parent: null, record });

export const messageOf = (id: string, dueMs?: number): Message => ({ id, to: 'order/2', from: 'order/1', body: { kind: 'event', event: { type: 'ping' } }, ...(dueMs === undefined ? {} : { dueMs }) });

export async function countRows(db: Database, table: 'journal' | 'actor' | 'outbox' | 'fact' | 'intent' | 'artifact' | 'decision' | 'blob' | 'parked' | 'search' | 'entity'): Promise<number> {
  return (await db.all<{ n: number }>(`SELECT count(*) AS n FROM ${table}`))[0]!.n;
}

export async function counters(db: Database): Promise<{ received: number; applied: number; duplicate: number; parked: number }> {
  return (await db.all<{ received: number; applied: number; duplicate: number; parked: number }>('SELECT received, applied, duplicate, parked FROM counter'))[0]!;
}

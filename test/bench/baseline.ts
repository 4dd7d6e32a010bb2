// What one would write without Keelson: the same machine live in one process, and for each event one sqlite3 transaction that
// keeps the snapshot, the event and an outgoing message. Same pragmas, same disk, same run.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createActor, type AnyActor, type AnyStateMachine, type EventObject } from 'xstate';
import { openDatabase } from '#store/database.ts';
import { orderEvent, orderEvents, orderMachine } from './order-machine.ts';

export interface Baseline {
  actors: number;
  machine?: AnyStateMachine;
  input?: unknown;
  events?: EventObject[];
  /** All events of one actor, then those of the next. */
  together?: boolean;
}

/** Events per second, sequential as the library orders them, and each event's time in ms. */
export async function runBaseline({ actors, machine = orderMachine, input = {}, events = orderEvents.map((_, i) => orderEvent(i)), together = false }: Baseline): Promise<{ perSecond: number; timesMs: number[] }> {
  const dir = mkdtempSync(join(tmpdir(), 'keelson-baseline-'));
  const db = await openDatabase(join(dir, 'baseline.db'));
  await db.exec(`CREATE TABLE snapshot (entity TEXT PRIMARY KEY, version INTEGER, json TEXT) WITHOUT ROWID;
    CREATE TABLE event (seq INTEGER PRIMARY KEY, entity TEXT, version INTEGER, id TEXT UNIQUE, json TEXT);
    CREATE TABLE outbox (n INTEGER PRIMARY KEY, subject TEXT, json TEXT)`);
  const live = new Map<string, AnyActor>();
  const timesMs: number[] = [];
  const started = performance.now();
  const send = async (a: number, i: number) => {
    const from = performance.now();
    const entity = `${machine.id}/${a}`;
    let actor = live.get(entity);
    if (!actor) {
      actor = createActor(machine, { input });
      live.set(entity, actor);
      actor.start();
    }
    const event = events[i]!;
    actor.send(event);
    await db.run('BEGIN IMMEDIATE');
    await db.run('INSERT INTO snapshot VALUES (?, ?, ?) ON CONFLICT (entity) DO UPDATE SET version = excluded.version, json = excluded.json', entity, i, JSON.stringify(actor.getPersistedSnapshot()));
    await db.run('INSERT INTO event (entity, version, id, json) VALUES (?, ?, ?, ?)', entity, i, `${entity}-${i}`, JSON.stringify(event));
    await db.run('INSERT INTO outbox (subject, json) VALUES (?, ?)', entity, JSON.stringify({ entity, i }));
    await db.run('COMMIT');
    timesMs.push(performance.now() - from);
  };
  if (together) for (let a = 0; a < actors; a++) for (let i = 0; i < events.length; i++) await send(a, i);
  else for (let i = 0; i < events.length; i++) for (let a = 0; a < actors; a++) await send(a, i);
  const perSecond = (actors * events.length * 1_000) / (performance.now() - started);
  await db.close();
  rmSync(dir, { recursive: true, force: true });
  return { perSecond, timesMs };
}

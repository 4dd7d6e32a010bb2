// A store, a bus and worker processes; messages that must be applied once each and in order, and the check that they were.
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { assign, setup } from 'xstate';
import { z } from 'zod';
import { createRegistry } from '#actors/registry.ts';
import { replay, type HistoryRow } from '#actors/replay.ts';
import { emptyCommit } from '#machines/commit.ts';
import { protocol } from '#machines/define.ts';
import type { Message } from '#machines/message.ts';
import { startStore, type Store } from '#store/actor.ts';
import { startNatsServer, type NatsServer } from '#supervisor/nats-server.ts';
import type { WorkerArgs } from './worker-process.ts';

const numbers = protocol({ context: z.object({ seen: z.array(z.number()) }), input: z.object({}), output: z.unknown(), events: { NUMBER: z.object({ n: z.number() }) } });

/** Takes the number that is next, and ignores every other: so would a process do that has an old state in hand. */
export const collector = setup({ types: numbers.types, schemas: numbers.schemas, guards: { next: ({ context, event }) => event.n === context.seen.length } }).createMachine({
  id: 'collector',
  version: '1',
  context: { seen: [] },
  on: { NUMBER: { guard: 'next', actions: assign({ seen: ({ context, event }) => [...context.seen, event.n] }) } },
});

export interface Status { received: number; applied: number; duplicate: number; parked: number; inFlight: number }
export type WorkerOptions = Pick<WorkerArgs, 'greedy' | 'die'>;

export interface Crew {
  dataDir: string;
  store: Store;
  /** For whoever wants to talk to the workers by the bus. */
  connection: { url: string; token: string; company: string };
  nats(): NatsServer;
  /** The same port; with another folder it has forgotten everything. */
  restartNats(options: { wiped: boolean }): Promise<void>;
  worker(options?: WorkerOptions): Promise<ChildProcess>;
  /** Promises `count` numbers to each actor; the store publishes them. */
  send(count: number): Promise<void>;
  status(): Promise<Status>;
  /** Waits until `test` is true of the counters. */
  until(what: string, test: (status: Status) => boolean): Promise<Status>;
  /** Waits for the end, then: each number once, in order; every history folds to its state; the counters add up. */
  assertComplete(): Promise<Status>;
}

const waitMs = 60_000;
const file = fileURLToPath(import.meta.resolve('#test/faults/worker-process.ts'));
export const ended = (child: ChildProcess) => (child.exitCode !== null || child.signalCode !== null ? Promise.resolve() : once(child, 'exit').then(() => {}));

export async function startCrew(t: { after(task: () => Promise<void>): void }, { actors }: { actors: number }): Promise<Crew> {
  const root = mkdtempSync(join(tmpdir(), 'keelson-workers-'));
  const token = 'a-token-of-the-fault-tests';
  let folder = 0;
  const startNats = (port?: number) => startNatsServer({ dataDir: join(root, `nats-${folder}`), token, log: () => {}, ...(port ? { port } : {}) });
  let server = await startNats();
  const connection = { url: server.url, token, company: 'test' };
  const store = await startStore({ dataDir: root, bus: connection, logFile: join(root, 'store.log'), logLevel: 'info', permissions: null });
  const children: ChildProcess[] = [];
  t.after(async () => {
    for (const child of children) child.kill('SIGKILL');
    await Promise.all(children.map(ended));
    await store.close();
    await server.stop();
    rmSync(root, { recursive: true, force: true });
  });

  const addresses = Array.from({ length: actors }, (_, i) => `collector/${i}`);
  let sent = 0;
  let commits = 0;
  const promise = async (bodyOf: (address: string) => Message['body']) => {
    const id = `source-${++commits}`;
    await store.commit({ ...emptyCommit(id, Date.now(), 'source/1', {}), sends: addresses.map((to, i) => ({ id: `${id}.${i}`, to, from: 'source/1', body: bodyOf(to) })) });
  };
  const status = async () => (await store.query('status', {})) as Status;
  const crew: Crew = {
    dataDir: root, store, connection, status,
    nats: () => server,
    async restartNats({ wiped }) {
      await server.stop();
      if (wiped) folder++;
      server = await startNats(Number(new URL(server.url).port));
    },
    async worker(options = {}) {
      const child = spawn(process.execPath, [file, JSON.stringify({ ...connection, ...options } satisfies WorkerArgs)], { stdio: ['ignore', 'pipe', 'inherit'] });
      children.push(child);
      const failed = once(child, 'exit').then(() => assert.fail('a worker ended before it was ready'));
      await Promise.race([once(child.stdout, 'data'), failed]);
      failed.catch(() => {});
      return child;
    },
    async send(count) {
      for (let i = 0; i < count; i++) {
        const n = sent++;
        await promise(() => ({ kind: 'event', event: { type: 'NUMBER', n } }));
      }
    },
    async until(what, test) {
      const end = Date.now() + waitMs;
      for (;;) {
        const now = await status();
        if (test(now)) return now;
        if (Date.now() > end) throw new Error(`waited in vain for: ${what}; ${JSON.stringify(now)}`);
        await new Promise((done) => setTimeout(done, 20));
      }
    },
    async assertComplete() {
      const last = await crew.until('nothing in flight', ({ inFlight }) => inFlight === 0);
      const registry = createRegistry([collector]);
      for (const address of addresses) {
        const record = (await store.load(address))!;
        assert.deepEqual((JSON.parse(record) as { snapshot: { context: { seen: number[] } } }).snapshot.context.seen, Array.from({ length: sent }, (_, n) => n), address);
        const rows = (await store.query('history', { address, limit: 10_000 })) as HistoryRow[];
        assert.deepEqual(rows.map(({ outcome }) => outcome), rows.map(() => 'applied'), address);
        const folded = replay(registry, address, rows, record);
        assert.equal(folded.matches, true, `${address}: ${JSON.stringify(folded.difference)}`);
      }
      assert.equal(last.parked, 0);
      assert.equal(last.received, last.applied + last.duplicate + last.parked);
      return last;
    },
  };
  await promise(() => ({ kind: 'start', machine: 'collector@1', input: {} }));
  return crew;
}

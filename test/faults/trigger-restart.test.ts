// Goal: a trigger starts its machine once per matching change, whatever dies. Method: store, bus and host for real; a writer is killed
// after its commit; the store is started again with and without the trigger.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { connect } from 'nats';
import { assign, setup } from 'xstate';
import { z } from 'zod';
import { connectBus } from '#actors/bus-nats.ts';
import { systemClock } from '#actors/clock.ts';
import { startHost } from '#actors/host.ts';
import { silentLog } from '#actors/log.ts';
import type { ActorRecord } from '#actors/record.ts';
import { createRegistry } from '#actors/registry.ts';
import { emptyCommit, type Commit } from '#machines/commit.ts';
import { protocol, records } from '#machines/define.ts';
import { changeSchema, parseTrigger, type Trigger } from '#machines/triggers.ts';
import { startStore } from '#store/actor.ts';
import { withNats, type TestNats } from '#test/kit/nats.ts';

const contextSchema = z.object({ change: changeSchema });
const dunning = protocol({ context: contextSchema, input: z.object({ change: changeSchema }), output: z.unknown(), events: {} });
/** Records another invoice: what its own trigger must not take for news. */
const dunningMachine = setup({ types: dunning.types, schemas: dunning.schemas, actions: { ...records } }).createMachine({
  id: 'dunning',
  version: '1',
  context: ({ input }) => ({ change: input.change }),
  entry: { type: 'recordFact', params: { entity: 'organisation/acme', predicate: 'invoice', value: { amountMinor: 99 }, label: 'system', confidence: 1 } },
});
const desk = protocol({ context: z.object({ seen: z.array(z.string()) }), input: z.object({}), output: z.unknown(), events: { LOOK: z.object({ change: changeSchema }) } });
const deskMachine = setup({ types: desk.types, schemas: desk.schemas }).createMachine({
  id: 'desk',
  version: '1',
  context: { seen: [] },
  on: { LOOK: { actions: assign({ seen: ({ context, event }) => [...context.seen, event.change.id] }) as never } },
});
const started = parseTrigger({ name: 'invoices', on: 'fact', predicate: 'invoice', where: [{ path: 'amountMinor', is: 'gte', value: 10 }], start: { machine: 'dunning@1' }, from: 'beginning' });
const woken = parseTrigger({ name: 'look', on: 'fact', predicate: 'invoice', where: [{ path: 'amountMinor', is: 'lt', value: 10 }], wake: { to: 'desk/main', type: 'LOOK' } });

let nats: TestNats;
before(async () => {
  nats = await withNats();
});
after(() => nats.stop());

/** Everything on one data folder; another company per folder keeps the tests apart on the bus. */
async function up(t: TestContext, dataDir: string, triggers: Trigger[]) {
  const connection = { url: nats.url, token: nats.token, company: dataDir.split('-').at(-1)! };
  const store = await startStore({ dataDir, bus: connection, logFile: join(dataDir, 'store.log'), logLevel: 'info', permissions: null, triggers });
  const bus = await connectBus({ ...connection, name: 'host', clock: systemClock, log: silentLog });
  const host = await startHost({ bus, store, registry: createRegistry([dunningMachine, deskMachine]), clock: systemClock, log: silentLog });
  await store.republish(systemClock.now());
  let down = false;
  const stop = async () => {
    if (down) return;
    down = true;
    await host.stop();
    await store.close();
    await bus.close();
  };
  t.after(stop);
  return {
    stop,
    commit: (commit: Commit) => store.commit(commit),
    async quiet() {
      const read = async () => ((await store.query('status', {})) as { inFlight: number }).inFlight;
      let inFlight = await read();
      for (let i = 0; i < 500 && inFlight > 0; i++) {
        await systemClock.sleep(20);
        inFlight = await read();
      }
      assert.equal(inFlight, 0, 'everything that was promised is applied');
    },
    async started() {
      const actors = (await store.query('actors', { type: 'dunning' })) as { address: string; rev: number }[];
      for (const { rev } of actors) assert.equal(rev, 0, 'started once');
      return actors.map(({ address }) => address).toSorted();
    },
    async seen() {
      const record = await store.load('desk/main');
      return record === null ? null : ((JSON.parse(record) as ActorRecord).snapshot.context as { seen: string[] }).seen;
    },
    wakeable: () => bus.submit({ id: `desk-${dataDir}`, to: 'desk/main', from: 'operator/test', body: { kind: 'start', machine: 'desk@1', input: {} } }, 10_000),
  };
}

function tempDir(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'keelson-trigger-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}
const invoice = (id: string, amountMinor: number, actor = 'order/1'): Commit => ({
  ...emptyCommit(id, 1_790_000_000_000, actor, {}),
  facts: [{ entity: 'organisation/acme', predicate: 'invoice', value: { amountMinor }, label: 'system', confidence: 1 }],
});

async function writeAndDie(dataDir: string, count: number, triggers: Trigger[]): Promise<void> {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.resolve('#test/faults/trigger-writer.ts')), join(dataDir, 'keelson.db'), String(count), JSON.stringify(triggers)], { stdio: ['ignore', 'inherit', 'inherit'] });
  const [, signal] = (await once(child, 'close')) as [number | null, string | null];
  assert.equal(signal, 'SIGKILL');
}

test('a trigger starts its machine once per change, also for a commit that comes twice, and not for what that machine records', async (t) => {
  const world = await up(t, tempDir(t), [started]);
  await Promise.all([world.commit(invoice('c1', 10)), world.commit(invoice('c1', 10)), world.commit(invoice('c2', 9)), world.commit(invoice('c3', 20))]);
  await world.commit(invoice('c1', 10));
  await world.quiet();
  assert.deepEqual(await world.started(), ['dunning/invoices-f-1-0', 'dunning/invoices-f-3-0']);
});

test('a trigger wakes an actor once per change, and nobody is told what became of the message', async (t) => {
  const dataDir = tempDir(t);
  const world = await up(t, dataDir, [woken]);
  const nc = await connect({ servers: nats.url, token: nats.token });
  t.after(() => nc.close());
  let answers = 0;
  nc.subscribe(`ks.${dataDir.split('-').at(-1)}.applied.store.>`, { callback: () => void answers++ });
  await nc.flush();
  assert.equal((await world.wakeable()).outcome, 'applied');
  const seqs: number[] = [];
  for (const id of ['c1', 'c2', 'c1']) {
    const answer = await world.commit(invoice(id, 5));
    assert.ok(answer.outcome === (seqs.length < 2 ? 'written' : 'duplicate'));
    seqs.push(answer.seq); // the step that c1 wakes may come before c2
  }
  await world.quiet();
  assert.deepEqual(await world.seen(), [`f-${seqs[0]}-0`, `f-${seqs[1]}-0`]);
  assert.equal(seqs[2], seqs[0]);
  await nc.flush();
  assert.equal(answers, 0);
});

test('a process killed between commit and publish has its machines started once by the next one', async (t) => {
  const dataDir = tempDir(t);
  await writeAndDie(dataDir, 30, [started]);
  for (let i = 0; i < 2; i++) {
    const world = await up(t, dataDir, [started]);
    await world.quiet();
    assert.equal((await world.started()).length, 20);
    await world.stop();
  }
});

test('what was recorded while the trigger was away starts its machines at the next start, and never again', async (t) => {
  const dataDir = tempDir(t);
  const first = await up(t, dataDir, [started]);
  await first.commit(invoice('c1', 10));
  await first.quiet();
  await first.stop();
  await writeAndDie(dataDir, 30, []);
  for (let i = 0; i < 2; i++) {
    const world = await up(t, dataDir, [started]);
    await world.quiet();
    assert.equal((await world.started()).length, 21);
    await world.stop();
  }
});

test('a stranger cannot take the id of a trigger\'s message first', async (t) => {
  const dataDir = tempDir(t);
  const world = await up(t, dataDir, [started]);
  const bus = await connectBus({ url: nats.url, token: nats.token, company: dataDir.split('-').at(-1)!, name: 'stranger', clock: systemClock, log: silentLog });
  const answer = await bus.submit({ id: 'trigger:invoices#f-2-0', to: 'desk/main', from: 'shop/1', body: { kind: 'event', event: { type: 'LOOK' } } }, 10_000);
  assert.equal(answer.outcome, 'parked');
  await bus.close();
  await world.commit(invoice('c1', 10));
  await world.quiet();
  assert.deepEqual(await world.started(), ['dunning/invoices-f-2-0']);
});

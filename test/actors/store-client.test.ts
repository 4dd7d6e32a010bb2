// The store over the bus, on real servers: the contract of every store, and what only a bus can do to a call.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { connect, headers } from 'nats';
import { subjectNames } from '#actors/bus-subjects.ts';
import { systemClock } from '#actors/clock.ts';
import { connectStore, type StoreClient } from '#actors/store-client.ts';
import { createJoin, packJson, sendParts, unpackJson } from '#actors/store-wire.ts';
import { emptyCommit } from '#machines/commit.ts';
import type { KeelsonError } from '#machines/errors.ts';
import { startWorld, type World } from '#test/kit/world.ts';
import { withCode } from '#test/contract/database.ts';
import { storeContract } from '#test/contract/store.ts';

let world: World;
let store: StoreClient;
let past: string;
const otherPasts: KeelsonError[] = [];
const open = (w: World) => connectStore({ url: w.nats.url, token: w.nats.token, company: 'test', name: 'client', clock: systemClock, onOtherPast: (error) => otherPasts.push(error) });
before(async () => {
  world = await startWorld({ machines: [] });
  store = await open(world);
  past = ((await world.store.query('incarnation', {})) as { incarnation: string }).incarnation;
});
after(async () => {
  await store.close();
  await world.stop();
});

storeContract({ name: 'the store over the bus', open: async () => store });

/** Says bytes to the store as anybody with the token could; answers what came back. */
async function say(bytes: Uint8Array | string): Promise<{ result?: unknown; error?: { code: string; message: string } }> {
  const nc = await connect({ servers: world.nats.url, token: world.nats.token, noAsyncTraces: true });
  const m = await nc.request(subjectNames('test').storeCall, bytes, { timeout: 5_000 });
  await nc.close();
  return unpackJson(m.data) as never;
}
const commitOf = (id: string) => emptyCommit(id, 1_790_000_000_000, 'order/1', { note: id });

test('a commit and an answer larger than a message of the bus cross whole', async () => {
  const bytes = new Uint8Array(9_000_001).map((_, i) => i % 251);
  assert.equal((await store.commit({ ...commitOf('large'), blobs: [{ hash: 'large', bytes }] })).outcome, 'written');
  assert.ok(Buffer.from(bytes).equals((await store.query('blob', { hash: 'large' })) as Uint8Array));
});

test('a call whose first part was lost is not answered, and the next one is', async () => {
  const nc = await connect({ servers: world.nats.url, token: world.nats.token, noAsyncTraces: true });
  const answers: unknown[] = [];
  const join = createJoin();
  nc.subscribe('me.*', { callback: (_, m) => { const whole = join(m); if (whole) answers.push([m.subject, unpackJson(whole)]); } });
  const bytes = packJson({ op: 'commit', past, commit: { ...commitOf('half'), blobs: [{ hash: 'half', bytes: 'x'.repeat(2_000_000) }] } });
  const h = headers();
  h.set('ks-part', 'a 1 2');
  nc.publish(subjectNames('test').storeCall, bytes.subarray(900_000), { headers: h, reply: 'me.lost' });
  sendParts(nc, subjectNames('test').storeCall, 'b', bytes, 'me.whole');
  await world.until('the answer', async () => answers.length > 0);
  await nc.close();
  assert.deepEqual(answers.map(([subject, answer]: any) => [subject, answer.result.outcome]), [['me.whole', 'written']]);
});

test('texts that look like bytes stay texts', () => {
  const value = { a: '\0b8J+Y', b: '\0sx', c: '\0', d: ['plain', { e: new Uint8Array([0, 255]) }], f: Buffer.from('é') };
  assert.deepEqual(unpackJson(packJson(value)), { ...value, f: new Uint8Array(Buffer.from('é')) });
});

test('what is no call, or a commit of wrong types, is refused and nothing is written', async () => {
  const before_ = await world.store.query('head', {});
  const bad: (string | Uint8Array)[] = [
    '', 'null', '{"op":"erase","past":"x"}', packJson({ op: 'commit', past, commit: { id: 'x' } }),
    packJson({ op: 'commit', past, commit: { ...commitOf('bad-1'), facts: {} } }), packJson({ op: 'commit', past, commit: { ...commitOf('bad-2'), journal: '{' } }),
    packJson({ op: 'commit', past, commit: { ...commitOf('bad-3'), blobs: [{ hash: 'h', bytes: 7 }] } }), packJson({ op: 'commit', past, commit: { ...commitOf('bad-4'), sends: [{ id: 'm' }] } }),
  ];
  for (const bytes of bad) assert.ok((await say(bytes)).error, String(bytes));
  assert.deepEqual(await world.store.query('head', {}), before_);
});

test('who remembers another past is refused, and told so', async () => {
  assert.match((await say(packJson({ op: 'commit', past: 'another', commit: commitOf('past') }))).error!.message, /another past/);
  assert.equal(await world.store.query('outcome', { id: 'past' }), null);
  assert.deepEqual(otherPasts, []);
});

test('a deadline that another process commits is let go in time', async () => {
  const to = 'order/deadline';
  await store.commit({ ...commitOf('deadline'), sends: [{ id: 'deadline.send', to, from: 'order/1', dueMs: Date.now() + 200, body: { kind: 'event', event: { type: 'X' } } }] });
  await world.until('its delivery', async () => (await world.store.query('outcome', { id: 'deadline.send' })) !== null);
});

test('without a store the answer is that nothing was written, at once', async () => {
  const other = await startWorld({ machines: [] });
  const client = await open(other);
  await other.store.close();
  await assert.rejects(client.commit(commitOf('nobody')), withCode('STORE_FAILED', /away/));
  await assert.rejects(open(other), withCode('STORE_FAILED', /away/));
  await client.close();
  await other.stop();
});

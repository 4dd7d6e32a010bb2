// Goal: whoever speaks NATS finds the store and asks it. Method: a plain client on a real nats-server; the last test asks a real store.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { connect, createInbox, type Msg, type NatsConnection } from 'nats';
import { startQueryService } from '#actors/bus-service.ts';
import { systemClock } from '#actors/clock.ts';
import { silentLog } from '#actors/log.ts';
import { emptyCommit } from '#machines/commit.ts';
import { KeelsonError } from '#machines/errors.ts';
import { startStore } from '#store/actor.ts';
import { queries } from '#store/queries.ts';
import { withNats, type TestNats } from '#test/kit/nats.ts';

let nats: TestNats;
let nc: NatsConnection;
let service: { stop(): Promise<void> };
const asked: [string, object][] = [];
const options = { clock: systemClock, log: silentLog };

before(async () => {
  nats = await withNats();
  nc = await connect({ servers: nats.url, token: nats.token });
  service = await startQueryService({
    ...options, url: nats.url, token: nats.token, company: 'test', names: ['status', 'blob', 'big', 'nothing', 'fail', 'break'], makeId: () => 'one',
    async query(name, args) {
      asked.push([name, args]);
      if (name === 'blob') return { bytes: new TextEncoder().encode('hello'), missing: null };
      if (name === 'big') return 'ä'.repeat(args['chars'] as number);
      if (name === 'nothing') return undefined;
      if (name === 'fail') throw new KeelsonError('BAD_ARGUMENT', "'id' must be\ntext");
      if (name === 'break') throw new TypeError('a defect');
      return { commits: 3 };
    },
  });
});
after(async () => {
  await service.stop();
  await nc.close();
  await nats.stop();
});

interface Reply { result?: unknown; error?: { code: string; message: string; hint: string } }
const ask = async (request: unknown): Promise<{ reply: Reply; message: Msg }> => {
  const message = await nc.request('ks.test.store.query', typeof request === 'string' ? request : JSON.stringify(request), { timeout: 10_000 });
  return { reply: message.json<Reply>(), message };
};
const about = async (subject: string) => (await nc.request(`$SRV.${subject}`, '', { timeout: 10_000 })).json<Record<string, unknown>>();

test('a question by name is answered with its result', async () => {
  assert.deepEqual((await ask({ name: 'status', args: { limit: 5 } })).reply, { result: { commits: 3 } });
  assert.deepEqual((await ask({ name: 'status' })).reply, { result: { commits: 3 } });
  assert.deepEqual(asked.splice(0), [['status', { limit: 5 }], ['status', {}]]);
  assert.deepEqual((await ask({ name: 'nothing' })).reply, { result: null });
});

test('bytes are base64', async () => {
  assert.deepEqual((await ask({ name: 'blob' })).reply, { result: { bytes: Buffer.from('hello').toString('base64'), missing: null } });
});

test('what is no question is refused before the store hears of it', async () => {
  asked.length = 0;
  for (const request of ['', 'null', '{', '[]', { name: 'drop' }, { name: '__proto__' }, { name: 'status', args: [] }, { name: 'status', more: 1 }, { args: {} }]) {
    const { reply, message } = await ask(request);
    assert.equal(reply.error?.code, 'BAD_ARGUMENT', JSON.stringify(request));
    assert.ok(reply.error.hint.length > 0);
    assert.equal(message.headers?.get('Nats-Service-Error-Code'), '400');
  }
  assert.deepEqual(asked, []);
});

test('a failing question is answered with its code, in the body and in the headers', async () => {
  const { reply, message } = await ask({ name: 'fail' });
  assert.deepEqual([reply.error?.code, reply.error?.message], ['BAD_ARGUMENT', "'id' must be\ntext"]);
  assert.equal(message.headers?.get('Nats-Service-Error'), "'id' must be text");
  const broken = await ask({ name: 'break' });
  assert.equal(broken.reply.error?.code, 'TypeError');
  assert.equal(broken.message.headers?.get('Nats-Service-Error-Code'), '500');
});

test('an answer that does not fit into a message says to ask for a page', async () => {
  assert.equal(((await ask({ name: 'big', args: { chars: 499_000 } })).reply.result as string).length, 499_000);
  const { reply } = await ask({ name: 'big', args: { chars: 500_000 } });
  assert.equal(reply.error?.code, 'BAD_ARGUMENT');
  assert.match(reply.error.message, /1000013 bytes/);
  assert.match(reply.error.hint, /page/);
});

test('it is found and described by every subject of the NATS service protocol', async () => {
  for (const suffix of ['', '.keelson-store', '.keelson-store.one']) {
    assert.deepEqual(await about(`PING${suffix}`), { type: 'io.nats.micro.v1.ping_response', name: 'keelson-store', id: 'one', version: '1.0.0', metadata: { company: 'test' } });
    const info = await about(`INFO${suffix}`);
    assert.equal(info['type'], 'io.nats.micro.v1.info_response');
    assert.deepEqual(info['endpoints'], [{ name: 'query', subject: 'ks.test.store.query', queue_group: 'q', metadata: { names: 'status blob big nothing fail break' } }]);
    assert.equal((await about(`STATS${suffix}`))['type'], 'io.nats.micro.v1.stats_response');
  }
});

test('it counts requests, errors and time', async () => {
  const read = async () => ((await about('STATS.keelson-store'))['endpoints'] as Record<string, number | string>[])[0]!;
  const earlier = await read();
  await ask({ name: 'status' });
  await ask({ name: 'break' });
  const later = await read();
  assert.equal(Number(later['num_requests']) - Number(earlier['num_requests']), 2);
  assert.equal(Number(later['num_errors']) - Number(earlier['num_errors']), 1);
  assert.equal(later['last_error'], 'a defect');
  assert.equal(later['average_processing_time'], Math.trunc(Number(later['processing_time']) / Number(later['num_requests'])));
  assert.ok(Number.isInteger(later['processing_time']));
});

test('a server that is not there is BUS_DOWN', async () => {
  await assert.rejects(startQueryService({ ...options, url: 'nats://127.0.0.1:1', token: 'x', company: 'test', names: ['a'], query: async () => null, makeId: () => 'x' }), (error) => error instanceof KeelsonError && error.code === 'BUS_DOWN');
});

test('a running store answers its own queries on the bus, and is gone from it when it stops', async (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'keelson-service-'));
  t.after(() => rmSync(dataDir, { recursive: true, force: true }));
  const store = await startStore({ dataDir, bus: { url: nats.url, token: nats.token, company: 'real' }, logFile: join(dataDir, 'store.log'), logLevel: 'info', permissions: null });
  await store.commit(emptyCommit('c1', 5, 'order/1', {}));
  const query = async (name: string, args: object = {}) => (await nc.request('ks.real.store.query', JSON.stringify({ name, args }), { timeout: 10_000 })).json<Reply>();
  assert.equal(((await query('status')).result as { commits: number }).commits, 1);
  assert.deepEqual((await query('changes', { after: 0 })).result, [{ seq: 1, at: 5, id: 'c1', actor: 'order/1', rev: null, outcome: 'applied', records: [] }]);
  assert.equal((await query('changes', { after: 'x' })).error?.code, 'BAD_ARGUMENT');
  const found: { metadata: { company: string } }[] = [];
  const inbox = createInbox();
  const replies = nc.subscribe(inbox, { max: 2, timeout: 10_000 });
  nc.publish('$SRV.INFO.keelson-store', '', { reply: inbox });
  for await (const reply of replies) found.push(reply.json());
  const info = found.find(({ metadata }) => metadata.company === 'real') as unknown as { endpoints: { metadata: { names: string } }[] };
  assert.deepEqual(info.endpoints[0]!.metadata.names.split(' '), Object.keys(queries));
  await store.close();
  await assert.rejects(query('status'), /no responders/i);
});

import assert from 'node:assert/strict';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { systemClock } from '#actors/clock.ts';
import { connectBus } from '#actors/bus-nats.ts';
import { silentLog } from '#actors/log.ts';
import { startStore, type Store } from '#store/actor.ts';
import { withCode } from '#test/contract/database.ts';
import { withNats, type TestNats } from '#test/kit/nats.ts';
import { cleanups, commitOf, tempDir } from './temp-store.ts';

let nats: TestNats;
before(async () => { nats = await withNats(); });
after(() => nats.stop());

async function start(dataDir: string, company: string): Promise<Store> {
  const store = await startStore({ dataDir, bus: { url: nats.url, token: nats.token, company }, logFile: join(dataDir, 'store.log'), logLevel: 'silent', permissions: null });
  cleanups.push(() => store.close());
  return store;
}

test('an older copy of the database is not started against a bus that knows better', async () => {
  const [dir, copy] = [tempDir(), tempDir()];
  await (await start(dir, 'older')).close();
  cpSync(dir, copy, { recursive: true });
  const later = await start(dir, 'older');
  await later.commit(commitOf('sent meanwhile'));
  await later.close();
  for (const _ of ['first', 'again']) await assert.rejects(start(copy, 'older'), withCode('STORE_OLDER', /older copy/));
  await (await start(dir, 'older')).close();
});

test('a new bus, and one that lost everything, are taken as they are', async () => {
  const dir = tempDir();
  for (const company of ['first', 'first', 'second', 'first']) await (await start(dir, company)).close();
});

test('a bus of another past is emptied, and what is promised is published again', async () => {
  const [dir, other] = [tempDir(), tempDir()];
  const send = (id: string) => ({ id, to: 'order/1', from: 'order/2', body: { kind: 'event' as const, event: { type: 'X' } } });
  const first = await start(dir, 'restored');
  await first.commit(commitOf('a', { actor: 'order/2', sends: [send('of the first')] }));
  await first.close();
  const second = await start(other, 'restored');
  await second.commit(commitOf('b', { actor: 'order/2', sends: [send('of the second')] }));
  const bus = await connectBus({ url: nats.url, token: nats.token, company: 'restored', name: 'test', clock: systemClock, log: silentLog });
  cleanups.push(() => bus.close());
  const came: string[] = [];
  const reading = await bus.consumeMail(async ({ id }) => void came.push(id));
  await second.republish(systemClock.now() + 1_000);
  while (!came.includes('of the second')) await systemClock.sleep(20);
  await reading.stop();
  assert.deepEqual([...new Set(came)], ['of the second']);
});
